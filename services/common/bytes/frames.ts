/**
 * Frames tell an end from a break where the socket below can't: four bytes of length, big-endian, and as many bytes. A
 * frame of length zero is the end; whoever closes without it has broken off.
 */

const HEAD = 4;

/** What stands in front of `length` bytes; 0 for the end. */
export function frameHead(length: number): Uint8Array {
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32BE(length);
  return head;
}

/** Takes the frames off a stream of bytes that comes in any pieces. Nothing is held but a head that has begun. */
export class FrameReader {
  #left = 0;
  #head = 0;
  #headBytes = 0;
  #ended = false;

  /** The end has come; what is behind it is not read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The bytes in `chunk`, as views of it. */
  push<T extends Uint8Array>(chunk: T): T[] {
    const out: T[] = [];
    for (let at = 0; at < chunk.length && !this.#ended; ) {
      if (this.#left === 0) {
        this.#takeHead(chunk[at++] as number);
        continue;
      }
      const part = chunk.subarray(at, at + this.#left) as T;
      out.push(part);
      at += part.length;
      this.#left -= part.length;
    }
    return out;
  }

  #takeHead(byte: number): void {
    this.#head = this.#head * 256 + byte;
    if (++this.#headBytes < HEAD) return;
    this.#left = this.#head;
    this.#ended = this.#head === 0;
    this.#head = 0;
    this.#headBytes = 0;
  }
}
