import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import { splice } from '@allium/common/net/splice.ts';
import type { Naming } from '../../client/naming.ts';
import {
  SOCKS_HANDSHAKE_MS,
  SocksCore,
  type SocksInput,
  type SocksOutput,
  type SocksRefusal,
} from '../../client/socks.ts';
import { IDLE_MS } from './idle.ts';
import { type RunningServer, runServer } from './running-server.ts';
import { DIAL_DEADLINE_MS, dial, dialCode, type StreamDialer } from './stream-dialer.ts';
import { endSoon } from './write-page.ts';

/** Times in milliseconds. */
export interface SocksLimits {
  readonly handshakeMs: number;
  readonly dialMs: number;
  /** without a byte in either direction; applications such as chat stay silent for long */
  readonly idleMs: number;
  /** connections of clients, each with one stream */
  readonly connections: number;
}

export const SOCKS_LIMITS: SocksLimits = {
  handshakeMs: SOCKS_HANDSHAKE_MS,
  dialMs: DIAL_DEADLINE_MS,
  idleMs: 6 * IDLE_MS,
  connections: 512,
};

export interface SocksServerOptions {
  readonly dialer: StreamDialer;
  readonly naming: Naming;
  readonly limits?: Partial<SocksLimits>;
  /** milliseconds; `Date.now` when absent */
  readonly now?: () => number;
}

/** Starts a SOCKS 4a and 5 server for I2P names. Nothing of it logs. Throws `ListenError`. */
export function startSocksServer(
  address: ListenAddress,
  options: SocksServerOptions,
): Promise<RunningServer> {
  const limits = { ...SOCKS_LIMITS, ...options.limits };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    new SocksConnection(socket, options, limits).start();
  });
  server.maxConnections = limits.connections;
  return runServer(server, address);
}

class SocksConnection {
  readonly #socket: Socket;
  readonly #options: SocksServerOptions;
  readonly #limits: SocksLimits;
  readonly #core: SocksCore;
  readonly #gone = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #stream: Duplex | undefined;

  constructor(socket: Socket, options: SocksServerOptions, limits: SocksLimits) {
    this.#socket = socket;
    this.#options = options;
    this.#limits = limits;
    this.#core = new SocksCore(limits.handshakeMs);
  }

  start(): void {
    this.#socket.on('error', () => {});
    this.#socket.on('data', this.#onData);
    this.#socket.once('end', this.#onEnd);
    this.#socket.once('close', this.#onEnd);
    this.#step({ kind: 'start' });
  }

  readonly #onData = (bytes: Buffer): void => this.#step({ kind: 'bytes', bytes });
  readonly #onEnd = (): void => this.#step({ kind: 'ended' });

  #step(input: SocksInput): void {
    const now = (this.#options.now ?? Date.now)();
    for (const output of this.#core.step(input, now)) this.#do(output, now);
  }

  #do(output: SocksOutput, now: number): void {
    switch (output.kind) {
      case 'send':
        this.#socket.write(output.bytes);
        return;
      case 'wake':
        this.#timer = setTimeout(() => this.#step({ kind: 'tick' }), output.at - now);
        return;
      case 'open':
        clearTimeout(this.#timer);
        void this.#open(output.host, output.port);
        return;
      case 'pause':
        this.#socket.pause();
        return;
      case 'relay':
        void this.#relay(output.early);
        return;
      case 'close':
        clearTimeout(this.#timer);
        this.#gone.abort();
        this.#detach();
        endSoon(this.#socket, new Uint8Array(0));
        return;
    }
  }

  async #open(host: string, port: number): Promise<void> {
    const resolution = this.#options.naming.resolve(host);
    if (resolution.kind !== 'found') {
      this.#step({ kind: 'failed', refusal: refusalOf(resolution.kind) });
      return;
    }
    const { target } = resolution;
    const { dialer } = this.#options;
    try {
      const deadlineMs = this.#limits.dialMs;
      this.#stream = await dial({ dialer, target, port, deadlineMs, signal: this.#gone.signal });
      this.#step({ kind: 'opened' });
      // The client may have left just before.
      if (this.#gone.signal.aborted) this.#stream.destroy();
    } catch (error) {
      this.#step({ kind: 'failed', refusal: dialCode(error) });
    }
  }

  async #relay(early: Uint8Array): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#detach();
    this.#socket.pause();
    if (early.length > 0) stream.write(early);
    await splice(this.#socket, stream, this.#limits.idleMs);
  }

  #detach(): void {
    this.#socket.removeListener('data', this.#onData);
    this.#socket.removeListener('end', this.#onEnd);
    this.#socket.removeListener('close', this.#onEnd);
  }
}

function refusalOf(kind: 'unknown' | 'reserved' | 'unsupported' | 'invalid' | 'outside'): SocksRefusal {
  switch (kind) {
    case 'unknown':
    case 'invalid':
      return 'unknown-destination';
    case 'unsupported':
      return 'unsupported';
    case 'reserved':
    case 'outside':
      return 'not-allowed';
  }
}
