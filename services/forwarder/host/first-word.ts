import type { Socket } from 'node:net';
import { concatBytes } from '@allium/common/bytes/compare.ts';
import { endSoon } from '@allium/common/net/end-soon.ts';
import { splice } from '@allium/common/net/splice.ts';
import { firstWord } from '../socks/first-word.ts';
import { LINGER_MS, WHOLE_WORD_MS } from './limits.ts';
import { Opening } from './opening.ts';
import type { SiteStream } from './site-stream.ts';

export interface FirstWordParts {
  /** nobody else reads it */
  readonly client: Socket;
  /** what it said already */
  readonly early: Uint8Array;
  readonly dial: (early?: Uint8Array) => SiteStream;
  /** for the client's first byte */
  readonly firstWordMs: number;
  readonly idleMs: number;
  /** takes the client over, all that it said still in it */
  readonly serveHttp: () => void;
}

/**
 * Port 80 of an .i2p name, where the first byte from either side decides. A client that begins with a request line is
 * served as HTTP; what begins otherwise goes on as it is, with the SYN. For a client that says nothing the stream is
 * opened, so that a server can speak first; if the client turns out to speak HTTP after all, that stream is given up.
 */
export class FirstWord {
  readonly #parts: FirstWordParts;
  #heard: Uint8Array = new Uint8Array(0);
  #stream: SiteStream | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: FirstWordParts) {
    this.#parts = parts;
  }

  listen(): void {
    const { client, early, firstWordMs } = this.#parts;
    client.on('data', this.#onData).once('end', this.#onGone).once('close', this.#onGone);
    this.#timer = setTimeout(this.#onSilence, firstWordMs);
    if (early.length > 0) this.#onData(early);
    client.resume();
  }

  readonly #onData = (bytes: Uint8Array): void => {
    this.#heard = concatBytes(this.#heard, bytes);
    const word = firstWord(this.#heard);
    if (word === 'http') this.#serveHttp();
    else if (word === 'other') this.#pass();
    else this.#timer = this.#again(() => this.#pass(), WHOLE_WORD_MS);
  };

  readonly #onGone = (): void => {
    this.#detach();
    this.#takeStream()?.socket.destroy();
    this.#parts.client.destroy();
  };

  /** The client waits for the server to speak. */
  readonly #onSilence = (): void => {
    const stream = this.#parts.dial();
    this.#stream = stream;
    stream.opened.then(
      () => {
        if (this.#stream !== stream) return;
        stream.socket
          .once('data', this.#onServer)
          .once('end', this.#onServer)
          .once('close', this.#onServer)
          .resume();
      },
      () => this.#refuse(),
    );
  };

  readonly #onServer = (bytes?: Buffer): void => {
    const stream = this.#stream;
    if (bytes !== undefined) {
      stream?.socket.pause();
      stream?.socket.unshift(bytes);
    }
    this.#pass();
  };

  #again(then: () => void, ms: number): NodeJS.Timeout {
    clearTimeout(this.#timer);
    return setTimeout(then, ms);
  }

  #serveHttp(): void {
    this.#takeBack();
    this.#takeStream()?.socket.destroy();
    this.#parts.serveHttp();
  }

  /** Bytes in both directions from now on. */
  #pass(): void {
    const { client, idleMs, dial } = this.#parts;
    const begun = this.#takeStream();
    this.#detach();
    const stream = begun ?? dial(this.#heard);
    if (begun !== undefined && this.#heard.length > 0) begun.socket.write(this.#heard);
    this.#stream = stream;
    const opening = new Opening(client, stream);
    stream.opened.then(
      () => {
        opening.release();
        void splice(client, stream.socket, idleMs);
      },
      () => {
        opening.release();
        endSoon(client, undefined, LINGER_MS);
      },
    );
  }

  /** The stream that was opened for a silent client; nobody waits for its first byte any more. */
  #takeStream(): SiteStream | undefined {
    const stream = this.#stream;
    this.#stream = undefined;
    for (const event of ['data', 'end', 'close']) stream?.socket.off(event, this.#onServer);
    return stream;
  }

  #refuse(): void {
    if (this.#stream === undefined) return;
    this.#detach();
    endSoon(this.#parts.client, undefined, LINGER_MS);
  }

  /** All that was heard is in the client again, and it is paused. */
  #takeBack(): void {
    const { client } = this.#parts;
    this.#detach();
    client.pause();
    client.unshift(this.#heard);
  }

  #detach(): void {
    clearTimeout(this.#timer);
    this.#parts.client.off('data', this.#onData).off('end', this.#onGone).off('close', this.#onGone);
  }
}
