import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { type ListenAddress, listen } from '@allium/common/lifecycle/listen.ts';
import { ClientCounts, plainAddress } from '@allium/common/net/client-counts.ts';
import { permitted } from '../rules/access.ts';
import { INVALID_HEADER, SLOW_CLIENT, TOO_LARGE, TOO_MANY } from './answers.ts';
import { ClientLink, PIPELINE_MAX } from './client-link.ts';
import { serveConnect } from './connect.ts';
import type { Context } from './context.ts';
import { refuseExpectation, serveExchange } from './exchange.ts';
import { isWebSocket, serveUpgrade } from './upgrade.ts';
import { writeRawAnswer } from './write-answer.ts';

/** Milliseconds that an idle client outlives an idle parent, so that the parent's 504 is still told. */
const CLIENT_GRACE_MS = 5_000;
/** Connections of one client address, so that one workstation can't take all; Privoxy's own bound for everybody. */
const PER_CLIENT_MAX = 128;

/** The ports that workstations reach. */
export class FrontDoor {
  readonly #context: Context;
  readonly #servers: Server[] = [];
  readonly #links = new WeakMap<object, ClientLink>();
  readonly #clients = new Set<Socket>();
  readonly #counts: ClientCounts;

  constructor(context: Context) {
    this.#context = context;
    this.#counts = new ClientCounts({
      perClient: PER_CLIENT_MAX,
      total: context.policy.settings.maxClients,
    });
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Where it listens; ports are the real ones. */
  get addresses(): ReturnType<Server['address']>[] {
    return this.#servers.map((server) => server.address());
  }

  /** Throws `ListenError`. */
  async start(addresses: readonly ListenAddress[]): Promise<{ stop: Stop }> {
    try {
      for (const address of addresses) {
        const server = this.#createServer();
        this.#servers.push(server);
        await listen(server, address, this.#context.policy.settings.backlog);
      }
    } catch (error) {
      await this.#stop();
      throw error;
    }
    return { stop: () => this.#stop() };
  }

  async #stop(): Promise<void> {
    const closed = this.#servers.map((server) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      return promise;
    });
    for (const client of this.#clients) client.destroy();
    await Promise.all(closed);
  }

  #createServer(): Server {
    const { limits, policy } = this.#context;
    const server = createServer({
      maxHeaderSize: limits.headBytes,
      headersTimeout: limits.headMs,
      // A body may take as long as it flows: the idle timeout below watches it.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.max(50, Math.min(5_000, limits.headMs / 4)),
      keepAliveTimeout: Math.max(policy.settings.keepAliveMs, 1),
      requireHostHeader: false,
      shouldUpgradeCallback: isWebSocket,
    });
    server.maxHeadersCount = 0;
    server.timeout = policy.settings.socketTimeoutMs + CLIENT_GRACE_MS;
    // In front of node:http's own listener: a connection may be refused before it is read.
    server.prependListener('connection', (socket) => this.#admit(socket));
    server.on('request', (request, response) => this.#onRequest(request, response, false));
    server.on('checkContinue', (request, response) => this.#onRequest(request, response, true));
    server.on('checkExpectation', (_request, response) => refuseExpectation(response, this.#context));
    server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
    server.on('connect', (request, socket, head) => this.#onConnect(server, request, socket, head));
    server.on('clientError', (error, socket) => this.#onClientError(error, socket));
    return server;
  }

  /** Access list and number of clients. A refused socket is closed before node:http reads it. */
  #admit(socket: Socket): void {
    if (this.#links.has(socket)) return;
    const { settings } = this.#context.policy;
    const link = new ClientLink();
    this.#links.set(socket, link);
    const from = { host: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
    const allowed = permitted(settings.access, from);
    const leave = allowed ? this.#counts.enter(from.host) : undefined;
    if (!allowed) {
      this.#context.counters.add('access-denied');
      link.closing = true;
      socket.resetAndDestroy();
    } else if (leave === undefined) {
      this.#context.counters.add('too-many-clients');
      link.closing = true;
      writeRawAnswer(socket, TOO_MANY);
    } else {
      this.#clients.add(socket);
      socket.once('close', () => {
        leave();
        this.#clients.delete(socket);
        this.#links.get(socket)?.end();
      });
    }
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, expects: boolean): void {
    const link = this.#links.get(request.socket);
    if (link === undefined || link.closing) {
      request.resume();
      return;
    }
    const tolerant = this.#context.policy.settings.toleratePipelining;
    if (link.waiting > 0 && (!tolerant || link.waiting >= PIPELINE_MAX)) {
      // Privoxy throws away what is pipelined behind, and closes.
      link.closing = true;
      this.#context.counters.add('pipelining-cut');
      request.resume();
      return;
    }
    response.once('finish', () => {
      if (link.closing) request.socket.destroySoon();
    });
    // One turn later, so that a request right behind this one is seen before this one is answered.
    const work = async (): Promise<void> => {
      await Promise.resolve();
      await serveExchange({ request, response, link, expects }, this.#context);
    };
    link.inLine(work).catch((error: unknown) => this.#onFault(error, request.socket));
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const link = this.#links.get(socket);
    if (link === undefined || link.closing || link.waiting > 0) {
      socket.destroy();
      return;
    }
    serveUpgrade({ request, socket, head, link }, this.#context).catch((error: unknown) =>
      this.#onFault(error, socket),
    );
  }

  #onConnect(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const link = this.#links.get(socket);
    if (link === undefined || link.closing || link.waiting > 0) {
      socket.destroy();
      return;
    }
    const serveInside = (inner: Duplex, authority: string): void => {
      link.end();
      this.#links.set(inner, new ClientLink(authority));
      server.emit('connection', inner);
    };
    serveConnect({ request, socket, head, tunnelTo: link.tunnelTo, serveInside }, this.#context).catch(
      (error: unknown) => this.#onFault(error, socket),
    );
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    const link = this.#links.get(socket);
    this.#context.counters.add(`client-${error.code ?? 'error'}`);
    if (link === undefined || link.closing || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    link.closing = true;
    // An answer is being written on this connection; it is the last one.
    if (link.waiting > 0) return;
    if (error.code === 'HPE_HEADER_OVERFLOW') writeRawAnswer(socket, TOO_LARGE);
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') writeRawAnswer(socket, SLOW_CLIENT);
    else writeRawAnswer(socket, INVALID_HEADER);
  }

  /** A fault of ours ends the connection, not the process. */
  #onFault(error: unknown, socket: Duplex): void {
    this.#context.counters.add('fault');
    this.#context.logger.error({ fault: error instanceof Error ? error.stack : String(error) }, 'fault');
    socket.destroy();
  }
}
