import type { Duplex } from 'node:stream';
import type { SiteStream } from './site-stream.ts';

/**
 * Passes what a client sends on to a stream that is being opened, and gives the stream up when the client leaves: only a
 * reader notices that. What the stream does not take yet is not read.
 */
export class Opening {
  readonly #client: Duplex;
  readonly #stream: SiteStream;

  constructor(client: Duplex, stream: SiteStream) {
    this.#client = client;
    this.#stream = stream;
    client.on('data', this.#onData).once('end', this.#onGone).once('close', this.#onGone);
  }

  /** The client is paused and the caller's again. */
  release(): void {
    this.#client.off('data', this.#onData).off('end', this.#onGone).off('close', this.#onGone);
    this.#stream.socket.off('drain', this.#onDrain);
    this.#client.pause();
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#stream.socket.write(bytes)) return;
    this.#client.pause();
    this.#stream.socket.once('drain', this.#onDrain);
  };

  readonly #onDrain = (): void => void this.#client.resume();
  readonly #onGone = (): void => void this.#stream.socket.destroy();
}
