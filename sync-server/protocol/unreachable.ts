/** Ends a switch over a union: the compiler refuses it while a variant is left. Throws if a value of a foreign shape arrives at run time. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
