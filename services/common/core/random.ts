/** `n` unpredictable bytes. Handed to every core at construction, so that tests can record it. */
export type RandomBytes = (n: number) => Uint8Array;

/** A u32 other than zero. */
export function randomU32(random: RandomBytes): number {
  for (;;) {
    const value = Buffer.from(random(4)).readUInt32BE(0);
    if (value !== 0) return value;
  }
}

/** An integer from 0 to `below` - 1, without bias. */
export function randomBelow(random: RandomBytes, below: number): number {
  if (!(below >= 1 && below <= 0x1_0000_0000)) throw new RangeError(`randomBelow: ${below}`);
  const limit = 0x1_0000_0000 - (0x1_0000_0000 % below);
  for (;;) {
    const value = Buffer.from(random(4)).readUInt32BE(0);
    if (value < limit) return value % below;
  }
}

/** A new array in random order (Fisher-Yates). */
export function shuffled<T>(random: RandomBytes, items: readonly T[]): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = randomBelow(random, i + 1);
    const a = out[i] as T;
    out[i] = out[j] as T;
    out[j] = a;
  }
  return out;
}
