import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UplinkStatus } from '@allium/common/contracts/uplink.ts';
import { serveHealth } from '@allium/common/lifecycle/health.ts';
import { Lifecycle } from '@allium/common/lifecycle/lifecycle.ts';
import { listen } from '@allium/common/lifecycle/listen.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import { type Decision, decideConnect, type RefusalCode } from '../connect/decide.ts';
import { Lease } from '../connect/lease.ts';
import type { UplinkConfig } from './config.ts';
import { serveControl } from './control.ts';

/** Connections at once; a Tor client holds some tens. */
export const MAX_CONNECTIONS = 512;
/** ms until the far end must have answered. */
const CONNECT_TIMEOUT_MS = 30_000;
/** ms without a byte either way; Tor sends a cell every few minutes (KeepalivePeriod 5 minutes). */
const IDLE_MS = 15 * 60_000;
/** ms for a whole request head. */
const HEAD_MS = 10_000;
/**
 * ms that a relay which is not on the list waits for a newer list: with a new consensus Tor dials its relays before the
 * supervisor has asked for them (every 1.5 s), and it gives up a guard that fails for half an hour.
 */
const NEW_RELAY_MS = 5_000;

type Refusal = RefusalCode | 'closed';
const STATUS: Readonly<Record<Refusal, number>> = {
  /** no lease: the supervisor does not watch, or found something in doubt */
  closed: 503,
  malformed: 400,
  name: 403,
  reserved: 403,
  'not-a-relay': 403,
};

/**
 * Tor's way out: CONNECT to a literal address, and nothing else. It resolves no names, has one client, and opens no
 * connection of its own. Without the supervisor's lease everything is cut. What it refuses is counted, never logged: targets are nobody's business.
 */
export class Uplink {
  readonly counters = new Counters();
  readonly #config: UplinkConfig;
  readonly #life = new Lifecycle();
  readonly #server: Server;
  readonly #lease = new Lease();
  readonly #sockets = new Set<Duplex>();
  /** resolved when there is a new list, and replaced */
  #newList = Promise.withResolvers<void>();
  #expiry: NodeJS.Timeout | undefined;
  #open = 0;

  constructor(config: UplinkConfig) {
    this.#config = config;
    this.#server = createServer({
      maxHeaderSize: 4_096,
      headersTimeout: HEAD_MS,
      requestTimeout: HEAD_MS,
      connectionsCheckingInterval: HEAD_MS / 4,
      insecureHTTPParser: false,
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('connection', (socket) => this.#admit(socket));
    this.#server.on('request', (_req: IncomingMessage, res: ServerResponse) => {
      this.counters.add('refused-method');
      res.writeHead(405, { allow: 'CONNECT', connection: 'close' }).end();
    });
    this.#server.on('connect', (req, socket, head) => void this.#connect(req.url ?? '', socket, head));
    this.#server.on('clientError', (_error, socket) => {
      this.counters.add('refused-malformed');
      answer(socket, 400);
    });
  }

  /** Throws `ListenError`. */
  async start(): Promise<void> {
    const { health, listen: address, control } = this.#config;
    await this.#life.start('control', () => serveControl(control, this));
    if (health) {
      const source = { ready: () => this.#server.listening, status: () => this.status() };
      await this.#life.start('health', () => serveHealth(health.listen, source));
    }
    await listen(this.#server, address);
    this.#life.add('uplink', () => this.#close());
  }

  stop(): Promise<string[]> {
    return this.#life.stop();
  }

  status(): UplinkStatus {
    const leased = this.#lease.left(performance.now()) > 0;
    return {
      open: this.#open,
      leased,
      relays: this.#lease.relays.size,
      counters: this.counters.toJSON(),
    };
  }

  relaysDigest(): string | undefined {
    return this.#lease.digest;
  }

  /** Throws `DecodeError`: nobody may be reached then. Connections to relays that are gone from the list live on. */
  takeRelays(list: string): string {
    try {
      return this.#lease.offer(list);
    } catch (error) {
      this.counters.add('relays-malformed');
      this.endLease();
      throw error;
    } finally {
      this.#newList.resolve();
      this.#newList = Promise.withResolvers();
    }
  }

  /** False when the list here is another one. */
  renewLease(relays: string): boolean {
    const now = performance.now();
    if (!this.#lease.renew(relays, now)) return false;
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => this.endLease(), this.#lease.left(now));
    return true;
  }

  /** Cuts everything that is open. */
  endLease(): void {
    clearTimeout(this.#expiry);
    this.#lease.end();
    this.counters.add('lease-ended');
    for (const socket of this.#sockets) socket.destroy();
  }

  #close(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    this.endLease();
    return closed.promise;
  }

  /** Whoever is not the one client is cut off without a word. */
  #admit(socket: Socket): void {
    const { client } = this.#config;
    if (client !== undefined && socket.remoteAddress !== client) {
      this.counters.add('refused-stranger');
      socket.destroy();
      return;
    }
    this.#keep(socket);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  async #connect(target: string, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const decision = await this.#decide(target);
    if (decision.kind === 'refuse') {
      this.counters.add(`refused-${decision.code}`);
      return answer(socket, STATUS[decision.code]);
    }
    if (!socket.destroyed) this.#pass(decision, socket, head);
  }

  /** What is not on the list gets a second look when there is a new one. */
  async #decide(target: string): Promise<Decision | { readonly kind: 'refuse'; readonly code: 'closed' }> {
    const until = performance.now() + NEW_RELAY_MS;
    for (;;) {
      const now = performance.now();
      if (this.#lease.left(now) === 0) return { kind: 'refuse', code: 'closed' };
      const { allowPrivateAddresses } = this.#config;
      const decision = decideConnect(target, { allowPrivateAddresses, relays: this.#lease.relays });
      const mayChange = decision.kind === 'refuse' && decision.code === 'not-a-relay' && now < until;
      if (!mayChange) return decision;
      await Promise.race([this.#newList.promise, sleep(until - now, undefined, { ref: false })]);
    }
  }

  #pass({ host, port }: Extract<Decision, { kind: 'connect' }>, socket: Duplex, head: Buffer): void {
    const far = connect({ host, port, noDelay: true, allowHalfOpen: true });
    this.#keep(far);
    const timer = setTimeout(() => far.destroy(), CONNECT_TIMEOUT_MS);
    let opened = false;
    socket.once('close', () => far.destroy());
    far.on('error', () => far.destroy());
    far.once('close', () => {
      clearTimeout(timer);
      if (opened) this.#open--;
      else this.counters.add('failed');
      if (opened) socket.destroy();
      else answer(socket, 502);
    });
    far.once('connect', () => {
      clearTimeout(timer);
      opened = true;
      this.#open++;
      this.counters.add('connected');
      far.setTimeout(IDLE_MS, () => far.destroy());
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) far.write(head);
      socket.pipe(far);
      far.pipe(socket);
    });
  }
}

function answer(socket: Duplex, status: number): void {
  if (socket.writable) socket.end(`HTTP/1.1 ${status} \r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  else socket.destroy();
}
