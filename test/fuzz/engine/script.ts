/** An input as a list of decisions: whoever plays it asks for the next number, and there is always one. */
export class Script {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** 0 to `limit` - 1 */
  below(limit: number): number {
    return limit <= 1 ? 0 : (limit > 256 ? this.u16() : this.u8()) % limit;
  }

  u8(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  u16(): number {
    return this.u8() * 256 + this.u8();
  }

  u32(): number {
    return this.u16() * 65_536 + this.u16();
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** A piece with its length, two bytes, in front. */
  piece(): Buffer {
    const length = this.u16();
    const from = Math.min(this.#at, this.#bytes.length);
    const out = Buffer.from(this.#bytes.subarray(from, from + length));
    this.#at = from + length;
    return out;
  }
}

/** Pieces as `Script.piece` reads them. */
export function pieces(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts.flatMap((part) => [Buffer.of(part.length >> 8, part.length & 255), part]));
}
