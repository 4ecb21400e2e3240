import type { I2npMessage } from '../i2np/message.ts';
import { i2npBlockSize } from './blocks.ts';
import { FRAME_TARGET, SEND_QUEUE_BYTES, SEND_QUEUE_LIMIT } from './limits.ts';

/** Slots given back at a time; an array that is shifted one by one would be copied one by one. */
const COMPACT_AT = 64;

/** What one frame will carry. */
export interface Batch {
  readonly messages: readonly I2npMessage[];
  /** bytes of their blocks */
  readonly size: number;
}

/** Messages that wait for the handshake or the socket, oldest first, at most `SEND_QUEUE_LIMIT` and `SEND_QUEUE_BYTES`. */
export class SendQueue {
  #items: I2npMessage[] = [];
  #head = 0;
  #bytes = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** bytes of the blocks of all messages */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends; the oldest messages, being nearest to their expiry, make room and are handed to `onEvict`. */
  push(message: I2npMessage, onEvict: (message: I2npMessage) => void): void {
    this.#items.push(message);
    this.#bytes += i2npBlockSize(message);
    while (this.size > 1 && (this.size > SEND_QUEUE_LIMIT || this.#bytes > SEND_QUEUE_BYTES)) {
      const evicted = this.shift();
      if (evicted) onEvict(evicted);
    }
  }

  shift(): I2npMessage | undefined {
    const message = this.#items[this.#head];
    if (!message) return undefined;
    this.#head++;
    this.#bytes -= i2npBlockSize(message);
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  /** Takes messages for one frame of `FRAME_TARGET` bytes, or one that is larger by itself. Expired ones go to `onExpired`. */
  batch(now: number, onExpired: (message: I2npMessage) => void): Batch {
    const messages: I2npMessage[] = [];
    let size = 0;
    for (;;) {
      const next = this.#items[this.#head];
      if (!next) break;
      if (next.expires <= now) {
        this.shift();
        onExpired(next);
        continue;
      }
      const block = i2npBlockSize(next);
      if (messages.length > 0 && size + block > FRAME_TARGET) break;
      this.shift();
      messages.push(next);
      size += block;
    }
    return { messages, size };
  }
}
