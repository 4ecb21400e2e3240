/** Refuses a key or nonce of the wrong size. Sizes that a peer chooses are checked by decoders, so this is our fault. */
export function expectLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new RangeError(`${what}: ${bytes.length} bytes instead of ${length}`);
}
