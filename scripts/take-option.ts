/** Takes `name value` out of the arguments; null where it is not there. Throws a sentence where the value is missing. */
export function takeOption(args: readonly string[], name: string): { value: string | null; rest: readonly string[] } {
  const at = args.indexOf(name);
  if (at < 0) return { value: null, rest: args };
  const value = args[at + 1];
  if (value === undefined || value.startsWith('--')) throw new Error(`${name} needs a value.`);
  return { value, rest: [...args.slice(0, at), ...args.slice(at + 2)] };
}
