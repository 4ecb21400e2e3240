import { type SocksAsk, SocksAsking } from '@allium/common/socks/asking.ts';
import { refused, SocksFailure } from '@allium/common/socks/early-client.ts';

/** What a SOCKS 5 server is asked, and what it answers, for a carrier that reads and writes its bytes. */
export class SocksQuestion {
  /** resolves when the stream is granted; rejects with `SocksFailure` */
  readonly granted: Promise<void>;
  readonly #asking: SocksAsking;
  readonly #settle: PromiseWithResolvers<void> = Promise.withResolvers();
  #open = true;

  constructor(ask: SocksAsk) {
    this.#asking = new SocksAsking(ask);
    this.granted = this.#settle.promise;
    // Whoever has left needs no reason.
    this.granted.catch(() => {});
  }

  /** The first bytes for the server; to be taken once. */
  start(): Uint8Array {
    return this.#asking.start();
  }

  /** The answer is not there yet. */
  get open(): boolean {
    return this.#open;
  }

  /** All has been said: what is sent from now on is the stream's. */
  get said(): boolean {
    return this.#asking.said;
  }

  /** Reads on in the answer. Returns what is behind it when it is over. */
  take(chunk: Buffer, send: (bytes: Uint8Array) => void): Buffer | undefined {
    let rest: Uint8Array | undefined;
    for (const output of this.#asking.take(chunk)) {
      if (output.kind === 'send') send(output.bytes);
      else if (output.kind === 'fault') this.#fail(new SocksFailure({ code: 'malformed' }));
      else if (output.kind === 'done') rest = output.rest;
      else if (output.reply.code !== 0) this.#fail(refused(output.reply.code));
    }
    if (rest === undefined || !this.#open) return undefined;
    this.#open = false;
    this.#settle.resolve();
    return Buffer.from(rest.buffer, rest.byteOffset, rest.length);
  }

  /** The server has gone. */
  lost(): void {
    if (this.#open) this.#fail(new SocksFailure({ code: 'closed' }));
  }

  #fail(why: SocksFailure): void {
    this.#open = false;
    this.#settle.reject(why);
  }
}
