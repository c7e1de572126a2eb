/** A name without a tag means its `latest`. */
export function fullModelName(name: string): string {
  return name.includes(':') ? name : `${name}:latest`;
}

export function sameModel(a: string, b: string): boolean {
  return fullModelName(a) === fullModelName(b);
}
