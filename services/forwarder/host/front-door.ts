import { createServer, type Server, type Socket } from 'node:net';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { type ListenAddress, listen } from '@allium/common/lifecycle/listen.ts';
import { ClientCounts } from '@allium/common/net/client-counts.ts';
import { permitted } from '../rules/access.ts';
import { TOO_MANY } from './answers.ts';
import { ClientVisit } from './client-visit.ts';
import type { Context } from './context.ts';
import { serveTurn } from './serve-turn.ts';
import { Watch } from './watch.ts';

/** Connections of one client address, so that one workstation can't take all; Privoxy's own bound for everybody. */
const PER_CLIENT_MAX = 128;
/** Refused connections that are told so at a time; more are reset. */
const TOLD_MAX = 64;
/** Milliseconds between two looks at what waits, and the least there may be. */
const LOOK_MS = 1_000;
const LOOK_MIN_MS = 20;

/** The ports that workstations reach. */
export class FrontDoor {
  readonly #context: Context;
  readonly #servers: Server[] = [];
  readonly #clients = new Set<ClientVisit>();
  readonly #told = new Set<ClientVisit>();
  readonly #counts: ClientCounts;
  readonly #watch: Watch;
  #stopped = false;

  constructor(context: Context) {
    this.#context = context;
    const { settings } = context.policy;
    this.#counts = new ClientCounts({ perClient: PER_CLIENT_MAX, total: settings.maxClients });
    const waits = [context.limits.headMs, settings.keepAliveMs, settings.socketTimeoutMs, LOOK_MS * 8];
    const shortest = Math.min(...waits.filter((ms) => ms > 0));
    this.#watch = new Watch(Math.max(LOOK_MIN_MS, shortest / 8), () => performance.now());
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
        // Half open: what a tunnel carries may end on one side only.
        const options = { allowHalfOpen: true, noDelay: true };
        const server = createServer(options, (socket) => this.#admit(socket));
        this.#servers.push(server);
        await listen(server, address, this.#context.policy.settings.backlog);
      }
    } catch (error) {
      await this.#stop();
      throw error;
    }
    return { stop: () => this.#stop() };
  }

  /** Serves a connection that leads to port 80 of `authority` as HTTP; it came over SOCKS, and was admitted there. */
  serveInside(socket: Socket, authority: string): void {
    if (this.#stopped) {
      socket.destroy();
      return;
    }
    this.#serve(new ClientVisit(socket, this.#context, authority));
  }

  async #stop(): Promise<void> {
    this.#stopped = true;
    this.#watch.end();
    const closed = this.#servers.map((server) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      return promise;
    });
    for (const visit of [...this.#clients, ...this.#told]) visit.wire.destroy();
    await Promise.all(closed);
  }

  /** Access list and number of clients. A refused socket is closed before it is read. */
  #admit(socket: Socket): void {
    const { counters, policy } = this.#context;
    const visit = new ClientVisit(socket, this.#context);
    const allowed = permitted(policy.settings.access, { host: visit.origin, port: visit.port });
    if (!allowed) {
      counters.add('access-denied');
      socket.resetAndDestroy();
      return;
    }
    const leave = this.#counts.enter(visit.origin);
    if (leave === undefined) {
      counters.add('too-many-clients');
      this.#refuse(visit);
      return;
    }
    socket.once('close', leave);
    this.#serve(visit);
  }

  #refuse(visit: ClientVisit): void {
    const { socket } = visit;
    if (this.#told.size >= TOLD_MAX) {
      socket.resetAndDestroy();
      return;
    }
    this.#told.add(visit);
    this.#watch.add(visit);
    socket.once('close', () => {
      this.#told.delete(visit);
      this.#watch.delete(visit);
    });
    visit.finishWith(TOO_MANY);
  }

  #serve(visit: ClientVisit): void {
    const { socket } = visit;
    this.#clients.add(visit);
    this.#watch.add(visit);
    socket.once('close', () => {
      this.#clients.delete(visit);
      this.#watch.delete(visit);
    });
    visit.run(serveTurn).catch((error: unknown) => this.#onFault(error, socket));
  }

  /** A fault of ours ends the connection, not the process. */
  #onFault(error: unknown, socket: Socket): void {
    this.#context.counters.add('fault');
    this.#context.logger.error({ fault: error instanceof Error ? error.stack : String(error) }, 'fault');
    socket.destroy();
  }
}
