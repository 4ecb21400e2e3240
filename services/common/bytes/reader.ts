import { type DecodeCode, DecodeError } from './errors.ts';

/** Largest u64 that a JavaScript number holds exactly; dates in milliseconds stay far below it. */
const MAX_SAFE_HIGH = 0x1fffff;

/**
 * A cursor over big-endian input. Every read checks what is left and throws `DecodeError('short')`.
 * `bytes` and `rest` return views that live as long as the input buffer: whoever stores them copies (`copyOf`).
 */
export class ByteReader {
  readonly structure: string;
  readonly #buffer: Buffer;
  #position = 0;

  constructor(input: Uint8Array, structure: string) {
    this.#buffer = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    this.structure = structure;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#buffer.length - this.#position;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#buffer.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#take(4));
  }

  /** u64 as a number; values above 2^53-1 are refused, no field that we read needs them. */
  u64(): number {
    const at = this.#take(8);
    const high = this.#buffer.readUInt32BE(at);
    if (high > MAX_SAFE_HIGH) this.fail('value', 'integer above 2^53-1');
    return high * 0x1_0000_0000 + this.#buffer.readUInt32BE(at + 4);
  }

  /** A view of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  /** The next `length` bytes in memory of their own. */
  copyOf(length: number): Uint8Array {
    return Uint8Array.from(this.bytes(length));
  }

  /** A view of everything that is left. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** A view of what was read since `start`, a former `position`. */
  since(start: number): Uint8Array {
    return this.#buffer.subarray(start, this.#position);
  }

  skip(length: number): void {
    this.#take(length);
  }

  expectEnd(): void {
    if (this.remaining > 0) this.fail('trailing', `${this.remaining} bytes`);
  }

  fail(code: DecodeCode, why?: string): never {
    throw new DecodeError(code, this.structure, this.#position, why);
  }

  #take(length: number): number {
    const at = this.#position;
    if (!(length >= 0 && length <= this.#buffer.length - at)) this.fail('short', `${length} bytes wanted`);
    this.#position = at + length;
    return at;
  }
}
