import { createServer, type Server, type Socket } from 'node:net';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { listen } from '@allium/common/lifecycle/listen.ts';
import { ClientCounts, plainAddress } from '@allium/common/net/client-counts.ts';
import { permitted } from '../rules/access.ts';
import type { SocksDoorSettings } from '../syntax/socks-line.ts';
import type { Context } from './context.ts';
import { KEEP_ALIVE_MS, SOCKS_LIMITS, type SocksLimits } from './limits.ts';
import { SocksVisit } from './socks-visit.ts';

/** The SOCKS ports that workstations reach. */
export class SocksDoors {
  readonly #context: Context;
  readonly #serveHttp: (client: Socket, authority: string) => void;
  readonly #limits: SocksLimits;
  readonly #counts: ClientCounts;
  readonly #servers: Server[] = [];
  readonly #visits = new Set<SocksVisit>();

  /** `serveHttp` takes a client over whose connection leads to port 80 of the I2P site `authority` */
  constructor(
    context: Context,
    serveHttp: (client: Socket, authority: string) => void,
    limits: Partial<SocksLimits> = {},
  ) {
    this.#context = context;
    this.#serveHttp = serveHttp;
    this.#limits = { ...SOCKS_LIMITS, ...limits };
    this.#counts = new ClientCounts(this.#limits);
  }

  get clients(): number {
    return this.#counts.total;
  }

  /** Where it listens; ports are the real ones. */
  get addresses(): ReturnType<Server['address']>[] {
    return this.#servers.map((server) => server.address());
  }

  /** Throws `ListenError`. */
  async start(doors: readonly SocksDoorSettings[]): Promise<{ stop: Stop }> {
    try {
      for (const door of doors) {
        const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
          this.#admit(socket, door),
        );
        this.#servers.push(server);
        await listen(server, door.listen, this.#context.rules.settings.backlog);
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
      return promise;
    });
    for (const visit of this.#visits) visit.cut();
    await Promise.all(closed);
  }

  #admit(socket: Socket, door: SocksDoorSettings): void {
    socket.on('error', () => {});
    const { counters, rules } = this.#context;
    const client = plainAddress(socket.remoteAddress);
    const port = socket.remotePort ?? 0;
    const allowed = permitted(rules.settings.access, { host: client, port });
    const leave = allowed ? this.#counts.enter(client) : undefined;
    if (leave === undefined) {
      counters.add(allowed ? 'socks-too-many' : 'access-denied');
      socket.resetAndDestroy();
      return;
    }
    counters.add('socks-client');
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const visit = new SocksVisit({
      client: socket,
      address: client,
      door,
      context: this.#context,
      limits: this.#limits,
      serveHttp: this.#serveHttp,
    });
    this.#visits.add(visit);
    socket.once('close', () => {
      leave();
      this.#visits.delete(visit);
      visit.cut();
    });
    visit.start();
  }
}
