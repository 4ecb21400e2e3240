/** Last branch of a switch over a union: the compiler refuses it when a case is missing. */
export function exhaustive(value: never): never {
  throw new TypeError(`unexpected case: ${JSON.stringify(value)}`);
}
