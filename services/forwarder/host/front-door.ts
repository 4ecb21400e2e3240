import { createServer, type Server, type Socket } from 'node:net';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { type ListenAddress, listen } from '@allium/common/lifecycle/listen.ts';
import { ClientCounts } from '@allium/common/net/client-counts.ts';
import { permitted } from '../rules/access.ts';
import { TOO_MANY } from './answers.ts';
import { ClientVisit, clientTerms } from './client-visit.ts';
import { type Context, tellFault } from './context.ts';
import { serveTurn } from './serve-turn.ts';
import { Turn } from './turn.ts';
import type { Terms } from './visit.ts';
import { Watch } from './watch.ts';

/** Connections of one client address, so that one workstation can't take all; Privoxy's own bound for everybody. */
const PER_CLIENT_MAX = 128;
/** Refused connections that are told so at a time; more are reset. */
const TOLD_MAX = 64;
/** The ports that workstations reach. */
export class FrontDoor {
  readonly #context: Context;
  readonly #terms: Terms;
  readonly #servers: Server[] = [];
  readonly #clients = new Set<ClientVisit>();
  readonly #told = new Set<ClientVisit>();
  readonly #counts: ClientCounts;
  readonly #watch: Watch;
  #stopped = false;

  constructor(context: Context) {
    this.#context = context;
    this.#terms = clientTerms(context);
    const { settings } = context.rules;
    this.#counts = new ClientCounts({ perClient: PER_CLIENT_MAX, total: settings.maxClients });
    this.#watch = Watch.forLimits([context.limits.headMs, settings.keepAliveMs, settings.socketTimeoutMs]);
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
        await listen(server, address, this.#context.rules.settings.backlog);
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
    this.#serve(new ClientVisit(socket, this.#context, this.#terms, authority));
  }

  async #stop(): Promise<void> {
    this.#stopped = true;
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
    const { counters, rules } = this.#context;
    const visit = new ClientVisit(socket, this.#context, this.#terms);
    const allowed = permitted(rules.settings.access, { host: visit.origin, port: visit.port });
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
    visit
      .run((asked) => serveTurn(new Turn(visit, asked)))
      .catch((error: unknown) => {
        tellFault(this.#context, error);
        socket.destroy();
      });
  }
}
