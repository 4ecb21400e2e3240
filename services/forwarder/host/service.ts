import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { ClientCounts } from '@allium/common/net/client-counts.ts';
import { splice } from '@allium/common/net/splice.ts';
import type { Visitor } from '../i2p/server-headers.ts';
import type { ServiceSettings } from '../syntax/router-lines.ts';
import { dialEndpoint } from './dial.ts';
import { linger } from './linger.ts';
import { PendingRequests } from './pending-requests.ts';
import { type LocalService, serveRequest, serveUpgrade } from './service-http.ts';
import { SERVICE_LIMITS, type ServiceLimits, STRICT_PARSER, VISITOR_PIPELINE_MAX } from './service-limits.ts';

/** Milliseconds to reach a service on this machine. */
const CONNECT_MS = 5_000;

/** A stream that somebody opened to a service of ours. */
export interface Visit {
  readonly stream: Duplex;
  readonly visitor: Visitor;
}

/** Leads visitors to a service on a Unix socket. Nothing of it logs: Destinations of visitors are theirs. */
export class Service {
  readonly #settings: ServiceSettings;
  readonly #limits: ServiceLimits;
  readonly #service: LocalService;
  readonly #http: Server | undefined;
  readonly #visitors = new Map<Duplex, Visitor>();
  readonly #counts: ClientCounts;
  readonly #pending = new PendingRequests();
  readonly #timers = new Map<Duplex, NodeJS.Timeout>();
  #stopped = false;

  constructor(settings: ServiceSettings, limits: Partial<ServiceLimits> = {}) {
    this.#settings = settings;
    this.#limits = { ...SERVICE_LIMITS, ...limits };
    const { streams: total, streamsPerVisitor: perClient, idleMs, tunnelIdleMs } = this.#limits;
    this.#counts = new ClientCounts({ perClient, total });
    const { path, host } = settings;
    this.#service = { path, ...(host === undefined ? {} : { hostHeader: host }), idleMs, tunnelIdleMs };
    this.#http = settings.mode === 'http' ? this.#httpServer() : undefined;
  }

  /** Streams open now. */
  get open(): number {
    return this.#visitors.size;
  }

  /** Takes the stream over; one that is over the limits is reset at once. */
  accept({ stream, visitor }: Visit): void {
    stream.on('error', () => {});
    const leave = stream.destroyed || this.#stopped ? undefined : this.#counts.enter(visitor.hash);
    if (leave === undefined) {
      stream.destroy();
      return;
    }
    this.#visitors.set(stream, visitor);
    stream.once('close', () => {
      leave();
      this.#arrived(stream);
      this.#visitors.delete(stream);
    });
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
    // It came paused, at its first byte.
    stream.resume();
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
      setTimeout(() => linger(stream, refusal(408)), ms),
    );
  }

  #arrived(stream: Duplex): void {
    clearTimeout(this.#timers.get(stream));
    this.#timers.delete(stream);
  }

  /** Resets every stream; later ones are refused. */
  readonly stop: Stop = () => {
    this.#stopped = true;
    for (const stream of this.#visitors.keys()) stream.destroy();
  };

  async #relay(stream: Duplex): Promise<void> {
    try {
      const local = await dialEndpoint({ path: this.#settings.path }, { timeoutMs: CONNECT_MS });
      await splice(stream, local, this.#limits.tunnelIdleMs);
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
      const visitor = this.#visitors.get(socket);
      this.#arrived(socket);
      if (visitor === undefined) socket.destroy();
      else void serveUpgrade(this.#service, visitor, req, socket, head);
    });
    server.on('connect', (_req, socket) => {
      this.#arrived(socket);
      linger(socket, refusal(405));
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.#arrived(socket);
      linger(socket, refusal(error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400));
    });
    return server;
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const visitor = this.#visitors.get(req.socket);
    const { socket } = req;
    this.#arrived(socket);
    const pending = this.#pending.begin(socket, res, () => this.#await(socket, this.#limits.keepAliveMs));
    if (visitor === undefined || pending > VISITOR_PIPELINE_MAX) socket.destroy();
    else await serveRequest(this.#service, visitor, req, res);
  }
}

function refusal(status: number): Buffer {
  return Buffer.from(`HTTP/1.1 ${status} \r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, 'latin1');
}
