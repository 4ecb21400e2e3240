import type { Duplex } from 'node:stream';
import { UpstreamError } from './upstream-error.ts';
import { type Taker, Wire } from './wire.ts';

/** The one connection to a parent that a client's connection has: shared with nobody, used for one request at a time. */
export class ParentLink {
  readonly #idleMs: number;
  #kept: { readonly key: string; readonly wire: Wire } | undefined;
  #idle: NodeJS.Timeout | undefined;
  #current: Wire | undefined;
  #dialling: AbortController | undefined;
  #ended = false;

  /** @param idleMs how long a connection waits for the next request; 0: it does not */
  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  /** The connection that a request is under way on. */
  get current(): Wire | undefined {
    return this.#current;
  }

  /** The idle connection, when it leads there; one that leads elsewhere is given up, as Privoxy does. */
  reuse(key: string): Wire | undefined {
    const kept = this.#kept;
    if (kept === undefined) return undefined;
    this.#kept = undefined;
    kept.wire.detach();
    if (kept.key !== key || kept.wire.gone || kept.wire.holdsAny) {
      kept.wire.destroy();
      return undefined;
    }
    this.#current = kept.wire;
    return kept.wire;
  }

  /** Opens a connection that is cut when the client goes. Throws `UpstreamError`. */
  async open(dial: (signal: AbortSignal) => Promise<Duplex>): Promise<Wire> {
    this.drop();
    const dialling = new AbortController();
    this.#dialling = dialling;
    const socket = await dial(dialling.signal).finally(() => {
      this.#dialling = undefined;
    });
    // A site that speaks first is not HTTP.
    const code = this.#ended ? 'closed' : socket.readableLength > 0 ? 'invalid' : undefined;
    if (code !== undefined) {
      socket.on('error', () => {});
      socket.destroy();
      throw new UpstreamError({ code });
    }
    return this.adopt(new Wire(socket));
  }

  /** Uses a connection that was opened elsewhere; it is cut like any other. */
  adopt(wire: Wire): Wire {
    if (this.#ended) wire.destroy();
    this.#current = wire;
    return wire;
  }

  /** The request is answered: keeps its connection for the next one to the same place. */
  keep(key: string): void {
    const wire = this.#current;
    this.#current = undefined;
    if (wire === undefined) return;
    if (this.#idleMs === 0 || this.#ended || wire.gone || wire.holdsAny) {
      wire.destroy();
      return;
    }
    wire.onGone = undefined;
    wire.onDrain = undefined;
    this.#kept = { key, wire };
    wire.attach(new Nothing(() => this.#forget()));
    // One timer for all waits: it is set back at each, and finds nothing to do when the connection is in use.
    if (this.#idle === undefined) this.#idle = setTimeout(() => this.#forget(), this.#idleMs);
    else this.#idle.refresh();
  }

  /** Gives up all connections. */
  drop(): void {
    this.#forget();
    this.#current?.destroy();
    this.#current = undefined;
    this.#dialling?.abort();
  }

  /** The client is gone. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#idle);
    this.drop();
  }

  /** Somebody else sees to the connection now. */
  handOver(): Wire | undefined {
    const wire = this.#current;
    this.#current = undefined;
    return wire;
  }

  #forget(): void {
    const kept = this.#kept;
    this.#kept = undefined;
    kept?.wire.destroy();
  }
}

/** An idle parent has nothing to say. */
class Nothing implements Taker {
  readonly #broken: () => void;

  constructor(broken: () => void) {
    this.#broken = broken;
  }

  take(): undefined {
    this.#broken();
  }

  end(): void {
    this.#broken();
  }
}
