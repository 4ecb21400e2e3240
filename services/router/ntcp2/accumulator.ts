/**
 * Cuts a stream into pieces whose length is known one at a time. A piece that lies whole in the chunk is handed out as
 * a view of it; only a piece that arrives in parts is copied, once, into memory of exactly its size.
 */
export class Accumulator {
  #held: Buffer | undefined;
  #filled = 0;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** The next chunk; the former must have been taken up. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Bytes of the chunk that no piece has taken. */
  get remaining(): number {
    return this.#chunk.length - this.#at;
  }

  /** A piece has begun and is not complete. */
  get pending(): boolean {
    return this.#held !== undefined;
  }

  /**
   * The next `length` bytes, or undefined when the chunk ends first: ask again, with the same length, after `feed`.
   * The view lives until the host reuses the chunk.
   */
  take(length: number): Uint8Array | undefined {
    if (!this.#held) {
      if (this.remaining >= length) {
        const view = this.#chunk.subarray(this.#at, this.#at + length);
        this.#at += length;
        return view;
      }
      if (this.remaining === 0) return undefined;
      this.#held = Buffer.allocUnsafe(length);
      this.#filled = 0;
    }
    const part = Math.min(length - this.#filled, this.remaining);
    this.#held.set(this.#chunk.subarray(this.#at, this.#at + part), this.#filled);
    this.#at += part;
    this.#filled += part;
    if (this.#filled < length) return undefined;
    const whole = this.#held;
    this.#held = undefined;
    return whole;
  }
}
