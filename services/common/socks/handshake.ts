import { concatBytes, copyOf } from '../bytes/compare.ts';
import { DecodeError } from '../bytes/errors.ts';
import {
  readGreeting,
  readLogin,
  readSocks4Request,
  readSocks5Request,
  readWhole,
  SOCKS5_METHOD,
  type SocksLogin,
  type SocksRequest,
} from './messages.ts';
import { socks4Reply, socks5Reply } from './replies.ts';

/**
 * Bytes of a message that is not complete. The longest is SOCKS 5's login with 513; a SOCKS 4 request has
 * at most 520.
 */
export const SOCKS_MESSAGE_MAX = 1024;

export type HandshakeOutput =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** the last one; what the client sends from here on is data */
  | {
      readonly kind: 'request';
      readonly request: SocksRequest;
      /** the same as the client sent it */
      readonly raw: Uint8Array;
      /** SOCKS 5 only; a secret */
      readonly login: SocksLogin | undefined;
      /** data that came right behind */
      readonly early: Uint8Array;
    }
  /** the last one too; `address-type` is a SOCKS 5 request that may still be answered */
  | { readonly kind: 'fault'; readonly fault: 'malformed' | 'no-method' | 'address-type' };

type State = 'version' | 'greeting' | 'login' | 'request5' | 'request4' | 'done';

/** What a SOCKS server reads and answers up to the client's request. It decides nothing. */
export class SocksHandshake {
  #state: State = 'version';
  #held: Uint8Array = new Uint8Array(0);
  #login: SocksLogin | undefined;
  readonly #versions: readonly number[];
  #version: 4 | 5 = 5;

  /** `versions`: any other first byte is malformed. */
  constructor(versions: readonly (4 | 5)[] = [4, 5]) {
    this.#versions = versions;
  }

  get version(): 4 | 5 {
    return this.#version;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** The answer to the request; SOCKS 4 tells only 0, granted, from the rest. */
  reply(code: number): Uint8Array {
    return this.#version === 4 ? socks4Reply(code === 0) : socks5Reply(code);
  }

  take(bytes: Uint8Array): HandshakeOutput[] {
    if (this.#state === 'done') return [];
    this.#held = concatBytes(this.#held, bytes);
    const out: HandshakeOutput[] = [];
    try {
      while (this.#advance(out)) {
        // every round takes one message
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const unknown = this.#state === 'request5' && error.code === 'unsupported';
      out.push(this.#fault(unknown ? 'address-type' : 'malformed'));
    }
    if (!this.done && this.#held.length > SOCKS_MESSAGE_MAX) out.push(this.#fault('malformed'));
    return out;
  }

  /** True when a message was taken and the next may be there already. */
  #advance(out: HandshakeOutput[]): boolean {
    switch (this.#state) {
      case 'version':
        return this.#readVersion(out);
      case 'greeting':
        return this.#readOne(readGreeting, (methods) => out.push(...this.#chooseMethod(methods)));
      case 'login':
        return this.#readOne(readLogin, (login) => {
          this.#login = login;
          this.#state = 'request5';
          out.push({ kind: 'send', bytes: Buffer.of(1, 0) });
        });
      case 'request5':
        return this.#readOne(readSocks5Request, (request, raw) => out.push(this.#request(request, raw)));
      case 'request4':
        return this.#readOne(readSocks4Request, (request, raw) => out.push(this.#request(request, raw)));
      case 'done':
        return false;
    }
  }

  #readVersion(out: HandshakeOutput[]): boolean {
    const version = this.#held[0];
    if (version === undefined) return false;
    if ((version !== 4 && version !== 5) || !this.#versions.includes(version)) {
      out.push(this.#fault('malformed'));
      return false;
    }
    this.#version = version;
    this.#state = version === 4 ? 'request4' : 'greeting';
    return true;
  }

  #readOne<T>(read: Parameters<typeof readWhole<T>>[1], then: (value: T, raw: Uint8Array) => void): boolean {
    const message = readWhole(this.#held, read);
    if (message === undefined) return false;
    this.#held = copyOf(message.rest);
    then(message.value, copyOf(message.raw));
    return true;
  }

  /** A login is asked for whenever it is offered, as Tor does: it is what tells one isolation key from another. */
  #chooseMethod(methods: readonly number[]): HandshakeOutput[] {
    const method = [SOCKS5_METHOD.password, SOCKS5_METHOD.none].find((known) => methods.includes(known));
    const answer = Buffer.of(5, method ?? SOCKS5_METHOD.unacceptable);
    if (method === undefined) return [{ kind: 'send', bytes: answer }, this.#fault('no-method')];
    this.#state = method === SOCKS5_METHOD.password ? 'login' : 'request5';
    return [{ kind: 'send', bytes: answer }];
  }

  #request(request: SocksRequest, raw: Uint8Array): HandshakeOutput {
    const early = this.#held;
    this.#end();
    return { kind: 'request', request, raw, login: this.#login, early };
  }

  #fault(fault: Extract<HandshakeOutput, { kind: 'fault' }>['fault']): HandshakeOutput {
    this.#end();
    return { kind: 'fault', fault };
  }

  #end(): void {
    this.#state = 'done';
    this.#held = new Uint8Array(0);
  }
}
