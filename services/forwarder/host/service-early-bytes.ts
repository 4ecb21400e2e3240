import type { Duplex } from 'node:stream';

/** Bytes that a client may send before its stream is up; then reading stops until it is. */
const EARLY_MAX = 64 * 1024;

/**
 * Reads on from a client while its stream is being opened, because only a reader notices that the client left.
 * `release` gives the bytes back to the socket, which is then paused.
 */
export class EarlyBytes {
  readonly #socket: Duplex;
  readonly #parts: Buffer[] = [];
  #size = 0;

  readonly #onGone: () => void;

  constructor(socket: Duplex, head: Buffer, onGone: () => void) {
    this.#socket = socket;
    this.#onGone = onGone;
    socket.on('error', () => {});
    socket.once('end', onGone);
    socket.once('close', onGone);
    socket.on('data', this.#take);
    this.#take(head);
  }

  readonly #take = (bytes: Buffer): void => {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#size += bytes.length;
    if (this.#size > EARLY_MAX) this.#socket.pause();
  };

  release(): void {
    this.#socket.removeListener('end', this.#onGone);
    this.#socket.removeListener('close', this.#onGone);
    this.#socket.removeListener('data', this.#take);
    this.#socket.pause();
    if (this.#size > 0) this.#socket.unshift(Buffer.concat(this.#parts));
  }
}
