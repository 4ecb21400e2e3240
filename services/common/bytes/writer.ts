/**
 * A cursor over one exact allocation. Writing past the end, or finishing early, is our own mistake
 * and throws `RangeError`.
 */
export class ByteWriter {
  readonly #buffer: Buffer;
  #position = 0;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

  get position(): number {
    return this.#position;
  }

  u8(value: number): this {
    this.#position = this.#buffer.writeUInt8(value, this.#position);
    return this;
  }

  u16(value: number): this {
    this.#position = this.#buffer.writeUInt16BE(value, this.#position);
    return this;
  }

  u32(value: number): this {
    this.#position = this.#buffer.writeUInt32BE(value, this.#position);
    return this;
  }

  /** A non-negative safe integer as u64. */
  u64(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`u64: ${value}`);
    this.u32(Math.floor(value / 0x1_0000_0000));
    return this.u32(value % 0x1_0000_0000);
  }

  bytes(value: Uint8Array): this {
    if (value.length > this.#buffer.length - this.#position) throw new RangeError('writer is full');
    this.#buffer.set(value, this.#position);
    this.#position += value.length;
    return this;
  }

  /** A view of the next `length` bytes, to be filled by the caller. */
  reserve(length: number): Uint8Array {
    if (length > this.#buffer.length - this.#position) throw new RangeError('writer is full');
    const view = this.#buffer.subarray(this.#position, this.#position + length);
    this.#position += length;
    return view;
  }

  zeros(length: number): this {
    this.reserve(length).fill(0);
    return this;
  }

  finish(): Uint8Array {
    if (this.#position !== this.#buffer.length) {
      throw new RangeError(`wrote ${this.#position} of ${this.#buffer.length} bytes`);
    }
    return this.#buffer;
  }
}
