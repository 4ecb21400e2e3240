import { concatBytes } from '@allium/common/bytes/compare.ts';
import { type HandshakeOutput, SocksHandshake } from '@allium/common/socks/handshake.ts';
import { SOCKS_COMMAND, type SocksLogin, type SocksRequest } from '@allium/common/socks/messages.ts';
import type { DialCode } from './dial-error.ts';
import { sortHostName } from './host-name.ts';
import { isAddressLiteral } from './request-target.ts';

/** Bytes that a client may send before its stream is up; then the host stops reading until it is. */
export const SOCKS_EARLY_MAX = 64 * 1024;

/** Milliseconds for the whole handshake, up to the request. */
export const SOCKS_HANDSHAKE_MS = 30_000;

/** Why a request is turned down; each has its own SOCKS 5 code. */
export type SocksRefusal = DialCode | 'not-allowed' | 'command' | 'address-type';

const REPLY_CODES: Readonly<Record<SocksRefusal, number>> = {
  'not-allowed': 2,
  'not-ready': 3,
  'unknown-destination': 4,
  'lease-set-not-found': 4,
  refused: 5,
  reset: 5,
  'no-answer': 6,
  timeout: 6,
  command: 7,
  'address-type': 8,
  unsupported: 1,
};

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

/** One client connection, up to the point where bytes just pass. CONNECT to names below .i2p only. */
export class SocksCore {
  readonly #handshakeMs: number;
  readonly #handshake = new SocksHandshake();
  #state: 'handshake' | 'opening' | 'over' = 'handshake';
  #early: Uint8Array = new Uint8Array(0);
  #deadline = Number.POSITIVE_INFINITY;
  #paused = false;

  constructor(handshakeMs = SOCKS_HANDSHAKE_MS) {
    this.#handshakeMs = handshakeMs;
  }

  step(input: SocksInput, now: number): SocksOutput[] {
    if (this.#state === 'over') return [];
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
        return this.#state === 'handshake' && now >= this.#deadline ? this.#close('slow') : [];
    }
  }

  #take(bytes: Uint8Array): SocksOutput[] {
    if (this.#state === 'handshake') {
      return this.#handshake.take(bytes).flatMap((output) => this.#follow(output));
    }
    return this.#keepEarly(concatBytes(this.#early, bytes));
  }

  #follow(output: HandshakeOutput): SocksOutput[] {
    if (output.kind === 'send') return [output];
    if (output.kind === 'request') return this.#request(output.request, output.login, output.early);
    return output.fault === 'address-type' ? this.#refuse('address-type') : this.#close(output.fault);
  }

  #keepEarly(early: Uint8Array): SocksOutput[] {
    this.#early = early;
    if (early.length <= SOCKS_EARLY_MAX || this.#paused) return [];
    this.#paused = true;
    return [{ kind: 'pause' }];
  }

  #request(request: SocksRequest, login: SocksLogin | undefined, early: Uint8Array): SocksOutput[] {
    if (request.command !== SOCKS_COMMAND.connect) return this.#refuse('command');
    const { host, port } = request;
    if (host === undefined || isAddressLiteral(host)) return this.#refuse('address-type');
    if (port === 0) return this.#refuse('not-allowed');
    const sorted = sortHostName(host);
    if (sorted.kind === 'outside' || sorted.kind === 'reserved') return this.#refuse('not-allowed');
    if (sorted.kind === 'invalid') return this.#refuse('unknown-destination');
    this.#state = 'opening';
    const isolation = isolationOf(request, login);
    return [
      { kind: 'open', host, port, ...(isolation === undefined ? {} : { isolation }) },
      ...this.#keepEarly(early),
    ];
  }

  #relay(): SocksOutput[] {
    const early = this.#early;
    this.#over();
    return [
      { kind: 'send', bytes: this.#handshake.reply(0) },
      { kind: 'relay', early },
    ];
  }

  #refuse(refusal: SocksRefusal): SocksOutput[] {
    // Nothing is left to give up: the stream was never asked for, or failed by itself.
    this.#over();
    return [
      { kind: 'send', bytes: this.#handshake.reply(REPLY_CODES[refusal]) },
      { kind: 'close', reason: 'refused', opening: false },
    ];
  }

  #close(reason: SocksCloseReason): SocksOutput[] {
    const opening = this.#state === 'opening';
    this.#over();
    return [{ kind: 'close', reason, opening }];
  }

  #over(): void {
    this.#state = 'over';
    this.#early = new Uint8Array(0);
  }
}

function isolationOf({ user }: SocksRequest, login: SocksLogin | undefined): string | undefined {
  if (login !== undefined) return `socks5:${textOf(login.user)}:${textOf(login.password)}`;
  return user ? `socks4:${textOf(Buffer.from(user, 'latin1'))}` : undefined;
}

/** Any bytes as text that holds no colon, so that two keys are equal only when both parts are. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
