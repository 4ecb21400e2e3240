import { Duplex } from 'node:stream';
import type { SiteStream } from './site-stream.ts';

type Done = (error?: Error | null) => void;

/**
 * A stream to a site for readers and writers that know nothing of opening. It is opened with the first bytes, those that
 * are written in one turn of the event loop together, so that they travel with the SYN; reading begins when it stands.
 * When it can't be had, it is destroyed with the reason (`StreamError`).
 */
export class SiteDuplex extends Duplex {
  readonly #dial: (early: Uint8Array) => SiteStream;
  readonly #early: Uint8Array[] = [];
  #socket: Duplex | undefined;
  #opening = false;
  #standing = false;

  constructor(dial: (early: Uint8Array) => SiteStream) {
    super({ allowHalfOpen: true });
    this.#dial = dial;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    const socket = this.#socket;
    if (socket === undefined) {
      this.#early.push(chunk);
      this.#openSoon();
      done();
    } else if (socket.write(chunk)) {
      done();
    } else {
      socket.once('drain', done);
    }
  }

  override _final(done: Done): void {
    const socket = this.#socket ?? this.#open();
    socket.end(() => done());
  }

  override _read(): void {
    if (this.#standing) this.#socket?.resume();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket?.destroy();
    done(error);
  }

  #openSoon(): void {
    if (this.#opening) return;
    this.#opening = true;
    setImmediate(() => {
      if (!this.destroyed && this.#socket === undefined) this.#open();
    });
  }

  #open(): Duplex {
    const { socket, opened } = this.#dial(Buffer.concat(this.#early.splice(0)));
    this.#socket = socket;
    opened.then(
      () => this.#take(socket),
      (error: Error) => this.destroy(error),
    );
    return socket;
  }

  #take(socket: Duplex): void {
    this.#standing = true;
    socket.on('data', (bytes) => {
      if (!this.push(bytes)) socket.pause();
    });
    socket.once('end', () => void this.push(null));
    socket.once('error', (error) => void this.destroy(error));
    socket.once('close', () => {
      if (!socket.readableEnded) this.destroy();
    });
    socket.resume();
  }
}
