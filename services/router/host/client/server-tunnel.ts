import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import { splice } from '@allium/common/net/splice.ts';
import type { RemoteDestination } from '../../client/server-headers.ts';
import type { DestHash } from '../../wire/hash.ts';
import { PIPELINED_MAX, STRICT_PARSER } from './http-limits.ts';
import { IDLE_MS } from './idle.ts';
import { connectLocal } from './local-target.ts';
import { PendingRequests } from './pending-requests.ts';
import { type LocalService, serveRequest, serveUpgrade } from './server-tunnel-http.ts';
import { endSoon } from './write-page.ts';

/** A stream that somebody opened to one of our Destinations. */
export interface IncomingStream {
  readonly stream: Duplex;
  readonly remote: RemoteDestination;
}

/** Times in milliseconds. */
export interface ServerTunnelLimits {
  readonly headMs: number;
  readonly idleMs: number;
  /** how long a stream waits for its next request */
  readonly keepAliveMs: number;
  /** how long a stream stays after its last answer, for a visitor who does not close it */
  readonly closeMs: number;
  /** streams at once; each costs one connection to the local service */
  readonly streams: number;
  /** streams at once of one Destination, so that one stranger can't take all */
  readonly streamsPerRemote: number;
}

export const SERVER_TUNNEL_LIMITS: ServerTunnelLimits = {
  headMs: 30_000,
  idleMs: IDLE_MS,
  keepAliveMs: 60_000,
  closeMs: 10_000,
  streams: 256,
  streamsPerRemote: 64,
};

export interface ServerTunnelOptions {
  readonly mode: 'tcp' | 'http';
  /** the local service that strangers reach */
  readonly target: ListenAddress;
  /** HTTP only: Host header for the local service, in place of what the client sent */
  readonly hostHeader?: string;
  readonly limits?: Partial<ServerTunnelLimits>;
}

/** Leads incoming I2P streams to a local service. Nothing of it logs: Destinations of visitors are theirs. */
export class ServerTunnel {
  readonly #options: ServerTunnelOptions;
  readonly #limits: ServerTunnelLimits;
  readonly #service: LocalService;
  readonly #http: Server | undefined;
  readonly #remotes = new Map<Duplex, RemoteDestination>();
  readonly #perRemote = new Map<DestHash, number>();
  readonly #pending = new PendingRequests();
  readonly #timers = new Map<Duplex, NodeJS.Timeout>();
  readonly #stopped = new AbortController();

  constructor(options: ServerTunnelOptions) {
    this.#options = options;
    this.#limits = { ...SERVER_TUNNEL_LIMITS, ...options.limits };
    const { target, hostHeader } = options;
    this.#service = {
      target,
      ...(hostHeader === undefined ? {} : { hostHeader }),
      idleMs: this.#limits.idleMs,
    };
    this.#http = options.mode === 'http' ? this.#httpServer() : undefined;
  }

  /** Streams open now. */
  get open(): number {
    return this.#remotes.size;
  }

  /** Takes the stream over; one that is over the limits is reset at once. */
  accept(incoming: IncomingStream): void {
    const { stream, remote } = incoming;
    stream.on('error', () => {});
    const ofRemote = this.#perRemote.get(remote.hash) ?? 0;
    const full = this.#remotes.size >= this.#limits.streams || ofRemote >= this.#limits.streamsPerRemote;
    if (full || stream.destroyed || this.#stopped.signal.aborted) {
      stream.destroy();
      return;
    }
    this.#remotes.set(stream, remote);
    this.#perRemote.set(remote.hash, ofRemote + 1);
    stream.once('close', () => this.#forget(stream, remote));
    if (this.#http === undefined) void this.#relay(stream);
    else this.#serveOn(stream, this.#http);
  }

  #serveOn(stream: Duplex, server: Server): void {
    this.#await(stream, this.#limits.headMs);
    stream.once('finish', () => {
      const timer = setTimeout(() => stream.destroy(), this.#limits.closeMs);
      stream.once('close', () => clearTimeout(timer));
    });
    server.emit('connection', stream);
  }

  /**
   * Ends the stream when no request head is complete by then. node's own timers need a listening server and
   * a real socket; here is neither.
   */
  #await(stream: Duplex, ms: number): void {
    this.#arrived(stream);
    if (stream.destroyed) return;
    this.#timers.set(
      stream,
      setTimeout(() => endSoon(stream, refusal(408)), ms),
    );
  }

  #arrived(stream: Duplex): void {
    clearTimeout(this.#timers.get(stream));
    this.#timers.delete(stream);
  }

  /** Resets every stream; later ones are refused. */
  readonly stop: Stop = () => {
    this.#stopped.abort();
    for (const stream of this.#remotes.keys()) stream.destroy();
  };

  #forget(stream: Duplex, remote: RemoteDestination): void {
    this.#arrived(stream);
    this.#remotes.delete(stream);
    const left = (this.#perRemote.get(remote.hash) ?? 1) - 1;
    if (left > 0) this.#perRemote.set(remote.hash, left);
    else this.#perRemote.delete(remote.hash);
  }

  async #relay(stream: Duplex): Promise<void> {
    try {
      const local = await connectLocal(this.#options.target, this.#stopped.signal);
      await splice(stream, local, this.#limits.idleMs);
    } catch {
      stream.destroy();
    }
  }

  #httpServer(): Server {
    const server = createServer({
      ...STRICT_PARSER,
      shouldUpgradeCallback: (req) => req.headers.upgrade?.toLowerCase() === 'websocket',
    });
    server.maxHeadersCount = 0;
    server.on('request', (req, res) => void this.#serve(req, res));
    server.on('upgrade', (req, socket, head) => {
      const remote = this.#remotes.get(socket);
      this.#arrived(socket);
      if (remote === undefined) socket.destroy();
      else void serveUpgrade(this.#service, remote, req, socket, head);
    });
    server.on('connect', (_req, socket) => {
      this.#arrived(socket);
      endSoon(socket, refusal(405));
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.#arrived(socket);
      endSoon(socket, refusal(error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400));
    });
    return server;
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const remote = this.#remotes.get(req.socket);
    const { socket } = req;
    this.#arrived(socket);
    const pending = this.#pending.begin(socket, res, () => this.#await(socket, this.#limits.keepAliveMs));
    if (remote === undefined || pending > PIPELINED_MAX) socket.destroy();
    else await serveRequest(this.#service, remote, req, res);
  }
}

function refusal(status: number): Buffer {
  return Buffer.from(`HTTP/1.1 ${status} \r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, 'latin1');
}
