import { Gathered } from '../bytes/gathered.ts';
import { type HandshakeOutput, SocksHandshake } from './handshake.ts';
import { SOCKS5_REPLY } from './replies.ts';

/** Bytes that a client may send before anybody takes them; then it is not read until somebody does. */
export const SOCKS_EARLY_MAX = 64 * 1024;

/** Milliseconds from the connection to the whole request. */
export const SOCKS_HANDSHAKE_MS = 30_000;

export type SocksServerInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** the client's side ended */
  | { readonly kind: 'ended' }
  | SocksAnswer
  | { readonly kind: 'tick' };

/** What becomes of the request; ignored before there is one. */
export type SocksAnswer =
  /** there is somewhere to put the client's bytes, before the request is granted: they come as `data` from now on */
  | { readonly kind: 'taking' }
  /** a reply after which the request stays open, as the first of the two that BIND has */
  | { readonly kind: 'interim'; readonly reply: Uint8Array }
  /** The request is granted. `reply`: instead of the plain one; empty when the other side's own is going to pass. */
  | { readonly kind: 'granted'; readonly reply?: Uint8Array }
  /** `code`: of SOCKS 5 (RFC 1928 6, or a private one) */
  | { readonly kind: 'refused'; readonly code: number };

export type SocksServerOutput =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'wake'; readonly at: number }
  | SocksAsked
  /** stop reading from the client until `resume` or `relay` */
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** from the client, behind its request */
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  /** from now on bytes pass by; `early` goes first */
  | { readonly kind: 'relay'; readonly early: Uint8Array }
  /** after what was sent; `asked` is true when a request is under way and must be given up */
  | { readonly kind: 'close'; readonly reason: SocksCloseReason; readonly asked: boolean };

/** What the client wants. Whoever serves it answers with `granted` or `refused`, under a deadline of its own. */
export type SocksAsked = Omit<Extract<HandshakeOutput, { kind: 'request' }>, 'early'> & {
  readonly version: 4 | 5;
  /** bytes that came in one read with the request: they are waiting */
  readonly early: number;
};

export type SocksCloseReason = 'malformed' | 'slow' | 'ended' | 'no-method' | 'refused';

/**
 * One client of a SOCKS server, up to the point where bytes just pass. It decides nothing: `request` says what is asked
 * for, once, and the inputs say what becomes of it. A client that ends before that gives its request up.
 */
export class SocksServer {
  readonly #handshake: SocksHandshake;
  readonly #handshakeMs: number;
  #state: 'handshake' | 'asked' | 'taking' | 'over' = 'handshake';
  readonly #early = new Gathered();
  #deadline = Number.POSITIVE_INFINITY;
  #paused = false;

  constructor(options: { readonly versions?: readonly (4 | 5)[]; readonly handshakeMs?: number } = {}) {
    this.#handshake = new SocksHandshake(options.versions);
    this.#handshakeMs = options.handshakeMs ?? SOCKS_HANDSHAKE_MS;
  }

  step(input: SocksServerInput, now: number): SocksServerOutput[] {
    if (this.#state === 'over') return [];
    switch (input.kind) {
      case 'start':
        this.#deadline = now + this.#handshakeMs;
        return [{ kind: 'wake', at: this.#deadline }];
      case 'bytes':
        return this.#take(input.bytes);
      case 'ended':
        return this.#close('ended');
      case 'tick':
        return this.#state === 'handshake' && now >= this.#deadline ? this.#close('slow') : [];
      default:
        return this.#state === 'handshake' ? [] : this.#answer(input);
    }
  }

  #answer(input: SocksAnswer): SocksServerOutput[] {
    switch (input.kind) {
      case 'taking':
        return this.#state === 'asked' ? this.#handOver() : [];
      case 'interim':
        return [{ kind: 'send', bytes: input.reply }];
      case 'granted':
        return this.#relay(input.reply ?? this.#handshake.reply(SOCKS5_REPLY.granted));
      case 'refused':
        return this.#refuse(input.code);
    }
  }

  #take(bytes: Uint8Array): SocksServerOutput[] {
    if (this.#state === 'handshake') {
      return this.#handshake.take(bytes).flatMap((output) => this.#follow(output));
    }
    if (this.#state === 'taking') return [{ kind: 'data', bytes }];
    return this.#keepEarly(bytes);
  }

  #follow(output: HandshakeOutput): SocksServerOutput[] {
    if (output.kind === 'send') return [output];
    if (output.kind === 'fault') {
      return output.fault === 'address-type'
        ? this.#refuse(SOCKS5_REPLY.addressType)
        : this.#close(output.fault);
    }
    this.#state = 'asked';
    const { early, ...asked } = output;
    // The request comes last: whoever serves it may answer at once.
    return [...this.#keepEarly(early), { ...asked, version: this.#handshake.version, early: early.length }];
  }

  #keepEarly(bytes: Uint8Array): SocksServerOutput[] {
    this.#early.add(bytes);
    if (this.#early.length <= SOCKS_EARLY_MAX || this.#paused) return [];
    this.#paused = true;
    return [{ kind: 'pause' }];
  }

  #handOver(): SocksServerOutput[] {
    const [bytes, paused] = [this.#early.take(), this.#paused];
    this.#state = 'taking';
    this.#paused = false;
    return [
      ...(paused ? [{ kind: 'resume' } as const] : []),
      ...(bytes.length > 0 ? [{ kind: 'data', bytes } as const] : []),
    ];
  }

  #relay(reply: Uint8Array): SocksServerOutput[] {
    const early = this.#early.take();
    this.#over();
    return [...(reply.length > 0 ? [{ kind: 'send', bytes: reply } as const] : []), { kind: 'relay', early }];
  }

  /** Nothing is left to give up: whoever refuses knows. */
  #refuse(code: number): SocksServerOutput[] {
    this.#over();
    return [
      { kind: 'send', bytes: this.#handshake.reply(code) },
      { kind: 'close', reason: 'refused', asked: false },
    ];
  }

  #close(reason: SocksCloseReason): SocksServerOutput[] {
    const asked = this.#state !== 'handshake';
    this.#over();
    return [{ kind: 'close', reason, asked }];
  }

  #over(): void {
    this.#state = 'over';
    this.#early.take();
  }
}
