import { concatBytes } from '../bytes/compare.ts';
import { DecodeError } from '../bytes/errors.ts';
import { readWhole, SOCKS5_METHOD, type SocksLogin } from './messages.ts';
import { readChoice, readSocks5Reply, type SocksReply } from './replies.ts';

/** Bytes of a reply that is not complete; the longest carries a visitor's Destination. */
const REPLY_MAX = 4_200;

export interface SocksAsk {
  /** a SOCKS 5 request: made by `socks5Request`, or as a client sent it */
  readonly request: Uint8Array;
  /** a secret */
  readonly login?: SocksLogin | undefined;
  /** travels right behind the request */
  readonly early?: Uint8Array;
  /**
   * The server takes the one method that is offered, and any login: all is said at once, in one write. Else every
   * message waits for the answer to the one before.
   */
  readonly atOnce: boolean;
  /** replies that follow one request: BIND has two; 0 leaves the reply to whoever reads on */
  readonly replies: 0 | 1 | 2;
}

export type SocksAskOutput =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'reply'; readonly reply: SocksReply; readonly raw: Uint8Array }
  /** the last reply that is read here came: `rest` is the beginning of what follows */
  | { readonly kind: 'done'; readonly rest: Uint8Array }
  /** a server that does not speak SOCKS 5, or takes neither method nor login */
  | { readonly kind: 'fault' };

/** RFC 1928 4, with a name as address. `host`: raw bytes as latin1, 255 at most. */
export function socks5Request(command: number, host: string, port: number): Uint8Array {
  const name = Buffer.from(host, 'latin1');
  if (name.length > 255) throw new RangeError('a name of more than 255 bytes');
  return concatBytes(Buffer.of(5, command, 0, 3, name.length), name, Buffer.of(port >> 8, port & 0xff));
}

/** A SOCKS 5 client, up to the point where bytes just pass. */
export class SocksAsking {
  readonly #ask: SocksAsk;
  #awaits: 'method' | 'login' | 'reply' | 'over' = 'method';
  #left: number;
  #held: Uint8Array = new Uint8Array(0);

  constructor(ask: SocksAsk) {
    this.#ask = ask;
    this.#left = ask.replies;
  }

  /** Nothing is left to say: what is sent from now on goes through the stream. */
  get said(): boolean {
    return this.#ask.atOnce || this.#awaits === 'reply' || this.#awaits === 'over';
  }

  /** The first bytes for the server. */
  start(): Uint8Array {
    const greeting = Buffer.of(5, 1, this.#method());
    return this.#ask.atOnce ? concatBytes(greeting, this.#login(), this.#request()) : greeting;
  }

  /** What it gives is of its own memory. */
  take(bytes: Uint8Array): SocksAskOutput[] {
    if (this.#awaits === 'over') return [];
    this.#held = concatBytes(this.#held, bytes);
    const out: SocksAskOutput[] = [];
    try {
      while (this.#advance(out)) {
        // every round takes one message
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#fault(out);
    }
    // What follows the last reply was handed on already.
    if (this.#held.length > REPLY_MAX) this.#fault(out);
    return out;
  }

  /** True when a message was taken and the next may be there already. */
  #advance(out: SocksAskOutput[]): boolean {
    switch (this.#awaits) {
      case 'method':
        return this.#readChoice(5, this.#method(), out, () => {
          if (this.#ask.login === undefined) return this.#awaitReply(out);
          this.#awaits = 'login';
          this.#say(this.#login(), out);
        });
      case 'login':
        return this.#readChoice(1, 0, out, () => {
          this.#awaitReply(out);
        });
      case 'reply':
        return this.#readReply(out);
      case 'over':
        return false;
    }
  }

  #readChoice(version: number, wanted: number, out: SocksAskOutput[], then: () => void): boolean {
    const message = readWhole(this.#held, readChoice(version));
    if (message === undefined) return false;
    this.#held = message.rest;
    if (message.value === wanted) then();
    else this.#fault(out);
    return true;
  }

  #readReply(out: SocksAskOutput[]): boolean {
    const message = readWhole(this.#held, readSocks5Reply);
    if (message === undefined) return false;
    this.#held = message.rest;
    out.push({ kind: 'reply', reply: message.value, raw: message.raw });
    this.#left = message.value.code === 0 ? this.#left - 1 : 0;
    if (this.#left > 0) return true;
    this.#done(out);
    return false;
  }

  #awaitReply(out: SocksAskOutput[]): void {
    this.#awaits = 'reply';
    this.#say(this.#request(), out);
    if (this.#left === 0) this.#done(out);
  }

  #done(out: SocksAskOutput[]): void {
    const rest = this.#held;
    this.#end();
    out.push({ kind: 'done', rest });
  }

  #method(): number {
    return this.#ask.login === undefined ? SOCKS5_METHOD.none : SOCKS5_METHOD.password;
  }

  #login(): Uint8Array {
    if (this.#ask.login === undefined) return new Uint8Array(0);
    const { user, password } = this.#ask.login;
    return concatBytes(Buffer.of(1, user.length), user, Buffer.of(password.length), password);
  }

  #request(): Uint8Array {
    return concatBytes(this.#ask.request, this.#ask.early ?? new Uint8Array(0));
  }

  #say(bytes: Uint8Array, out: SocksAskOutput[]): void {
    if (!this.#ask.atOnce) out.push({ kind: 'send', bytes });
  }

  #fault(out: SocksAskOutput[]): void {
    this.#end();
    out.push({ kind: 'fault' });
  }

  #end(): void {
    this.#awaits = 'over';
    this.#held = new Uint8Array(0);
  }
}
