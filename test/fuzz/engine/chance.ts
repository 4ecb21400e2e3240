/** Reproducible chance: the generator `sfc32`, which needs no more than four numbers. */
export class Chance {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  /** Equal seeds give equal numbers. */
  constructor(seed: string) {
    let h = 0x811c9dc5;
    const word = (salt: number): number => {
      h ^= salt;
      for (let at = 0; at < seed.length; at++) h = Math.imul(h ^ seed.charCodeAt(at), 0x01000193);
      return h >>> 0;
    };
    [this.#a, this.#b, this.#c] = [word(1), word(2), word(3)];
    for (let warm = 0; warm < 12; warm++) this.u32();
  }

  u32(): number {
    const sum = (((this.#a + this.#b) >>> 0) + this.#d) >>> 0;
    this.#d = (this.#d + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** 0 to `limit` - 1 */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.u32() % limit;
  }

  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly [T, ...T[]]): T;
  pick<T>(list: readonly T[]): T | undefined;
  pick<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)];
  }

  bytes(length: number): Buffer {
    const out = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at++) out[at] = this.u32() >>> 11;
    return out;
  }

  /** Bytes as cores ask for them. */
  readonly random = (length: number): Buffer => this.bytes(length);
}
