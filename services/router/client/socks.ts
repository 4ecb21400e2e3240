import { concatBytes, copyOf } from '@allium/common/bytes/compare.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { sortHostName } from './host-name.ts';
import { isAddressLiteral } from './request-target.ts';
import {
  readGreeting,
  readLogin,
  readSocks4Request,
  readSocks5Request,
  readWhole,
  SOCKS_COMMAND,
  SOCKS5_METHOD,
  type SocksRefusal,
  type SocksRequest,
  socks4Reply,
  socks5Reply,
} from './socks-messages.ts';

/**
 * Bytes of a message that is not complete. The longest is SOCKS 5's login with 513; a SOCKS 4 request has
 * at most 520.
 */
export const SOCKS_MESSAGE_MAX = 1024;

/** Bytes that a client may send before its stream is up; then the host stops reading until it is. */
export const SOCKS_EARLY_MAX = 64 * 1024;

/** Milliseconds for the whole handshake, up to the request. */
export const SOCKS_HANDSHAKE_MS = 30_000;

export type SocksInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** the client's side ended */
  | { readonly kind: 'ended' }
  /** the stream that `open` asked for is up */
  | { readonly kind: 'opened' }
  /** it can't be had */
  | { readonly kind: 'failed'; readonly refusal: SocksRefusal }
  | { readonly kind: 'tick' };

export type SocksOutput =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'wake'; readonly at: number }
  | {
      readonly kind: 'open';
      readonly host: string;
      readonly port: number;
      /** streams of different keys must not be linkable; absent when the client named none. A secret. */
      readonly isolation?: string;
    }
  /** stop reading from the client until `relay` */
  | { readonly kind: 'pause' }
  /** from now on bytes pass by; `early` goes to the stream first */
  | { readonly kind: 'relay'; readonly early: Uint8Array }
  /** after what was sent; `opening` is true when a stream was asked for and must be given up */
  | { readonly kind: 'close'; readonly reason: SocksCloseReason; readonly opening: boolean };

export type SocksCloseReason = 'malformed' | 'slow' | 'ended' | 'no-method' | 'refused';

type State = 'version' | 'greeting' | 'login' | 'request5' | 'request4' | 'opening' | 'relay' | 'closed';

/** One client connection, up to the point where bytes just pass. CONNECT to names below .i2p only. */
export class SocksCore {
  readonly #handshakeMs: number;
  #state: State = 'version';
  #held: Uint8Array = new Uint8Array(0);
  #deadline = Number.POSITIVE_INFINITY;
  #version: 4 | 5 = 5;
  #isolation: string | undefined;
  #paused = false;

  constructor(handshakeMs = SOCKS_HANDSHAKE_MS) {
    this.#handshakeMs = handshakeMs;
  }

  step(input: SocksInput, now: number): SocksOutput[] {
    if (this.#state === 'closed' || this.#state === 'relay') return [];
    switch (input.kind) {
      case 'start':
        this.#deadline = now + this.#handshakeMs;
        return [{ kind: 'wake', at: this.#deadline }];
      case 'bytes':
        return this.#take(input.bytes);
      case 'ended':
        return this.#close('ended');
      case 'opened':
        return this.#state === 'opening' ? this.#relay() : [];
      case 'failed':
        return this.#state === 'opening' ? this.#refuse(input.refusal) : [];
      case 'tick':
        return this.#state !== 'opening' && now >= this.#deadline ? this.#close('slow') : [];
    }
  }

  #take(bytes: Uint8Array): SocksOutput[] {
    this.#held = concatBytes(this.#held, bytes);
    const out: SocksOutput[] = [];
    try {
      while (this.#advance(out)) {
        // every round takes one message
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      out.push(...this.#reject(error));
    }
    if (this.#state === 'opening' && this.#held.length > SOCKS_EARLY_MAX && !this.#paused) {
      this.#paused = true;
      out.push({ kind: 'pause' });
    }
    if (this.#inHandshake() && this.#held.length > SOCKS_MESSAGE_MAX) out.push(...this.#close('malformed'));
    return out;
  }

  #inHandshake(): boolean {
    return this.#state !== 'opening' && this.#state !== 'relay' && this.#state !== 'closed';
  }

  /** True when a message was taken and the next may be there already. */
  #advance(out: SocksOutput[]): boolean {
    switch (this.#state) {
      case 'version':
        return this.#readVersion(out);
      case 'greeting':
        return this.#readOne(readGreeting, (methods) => out.push(...this.#chooseMethod(methods)));
      case 'login':
        return this.#readOne(readLogin, ({ user, password }) => {
          this.#isolation = `socks5:${textOf(user)}:${textOf(password)}`;
          this.#state = 'request5';
          out.push({ kind: 'send', bytes: Buffer.of(1, 0) });
        });
      case 'request5':
        return this.#readOne(readSocks5Request, (request) => out.push(...this.#request(request)));
      case 'request4':
        return this.#readOne(readSocks4Request, (request) => {
          if (request.user) this.#isolation = `socks4:${textOf(Buffer.from(request.user, 'latin1'))}`;
          out.push(...this.#request(request));
        });
      case 'opening':
      case 'relay':
      case 'closed':
        return false;
    }
  }

  #readVersion(out: SocksOutput[]): boolean {
    const version = this.#held[0];
    if (version === undefined) return false;
    if (version !== 4 && version !== 5) {
      out.push(...this.#close('malformed'));
      return false;
    }
    this.#version = version;
    this.#state = version === 4 ? 'request4' : 'greeting';
    return true;
  }

  #readOne<T>(read: Parameters<typeof readWhole<T>>[1], then: (value: T) => void): boolean {
    const message = readWhole(this.#held, read);
    if (message === undefined) return false;
    this.#held = copyOf(message.rest);
    then(message.value);
    return true;
  }

  /** A login is asked for whenever it is offered: it is what tells one isolation key from another. */
  #chooseMethod(methods: readonly number[]): SocksOutput[] {
    const method = [SOCKS5_METHOD.password, SOCKS5_METHOD.none].find((known) => methods.includes(known));
    const answer = Buffer.of(5, method ?? SOCKS5_METHOD.unacceptable);
    if (method === undefined) return [{ kind: 'send', bytes: answer }, ...this.#close('no-method')];
    this.#state = method === SOCKS5_METHOD.password ? 'login' : 'request5';
    return [{ kind: 'send', bytes: answer }];
  }

  #request(request: SocksRequest): SocksOutput[] {
    if (request.command !== SOCKS_COMMAND.connect) return this.#refuse('command');
    const { host, port } = request;
    if (host === undefined || isAddressLiteral(host)) return this.#refuse('address-type');
    if (port === 0) return this.#refuse('not-allowed');
    const sorted = sortHostName(host);
    if (sorted.kind === 'outside' || sorted.kind === 'reserved') return this.#refuse('not-allowed');
    if (sorted.kind === 'invalid') return this.#refuse('unknown-destination');
    this.#state = 'opening';
    const isolation = this.#isolation;
    return [{ kind: 'open', host, port, ...(isolation === undefined ? {} : { isolation }) }];
  }

  #relay(): SocksOutput[] {
    const early = this.#held;
    this.#held = new Uint8Array(0);
    this.#state = 'relay';
    return [
      { kind: 'send', bytes: this.#reply() },
      { kind: 'relay', early },
    ];
  }

  #reply(refusal?: SocksRefusal): Uint8Array {
    return this.#version === 4 ? socks4Reply(refusal) : socks5Reply(refusal);
  }

  #refuse(refusal: SocksRefusal): SocksOutput[] {
    const bytes = this.#reply(refusal);
    // Nothing is left to give up: the stream was never asked for, or failed by itself.
    this.#state = 'closed';
    return [
      { kind: 'send', bytes },
      { kind: 'close', reason: 'refused', opening: false },
    ];
  }

  #reject(error: DecodeError): SocksOutput[] {
    if (this.#state === 'request5' && error.code === 'unsupported') return this.#refuse('address-type');
    return this.#close('malformed');
  }

  #close(reason: SocksCloseReason): SocksOutput[] {
    const opening = this.#state === 'opening';
    this.#state = 'closed';
    this.#held = new Uint8Array(0);
    return [{ kind: 'close', reason, opening }];
  }
}

/** Any bytes as text that holds no colon, so that two keys are equal only when both parts are. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
