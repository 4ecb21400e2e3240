import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { serveHealth } from '@allium/common/lifecycle/health.ts';
import { Lifecycle } from '@allium/common/lifecycle/lifecycle.ts';
import { listen } from '@allium/common/lifecycle/listen.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import { decideConnect, type RefusalCode } from '../connect/decide.ts';
import type { UplinkConfig } from './config.ts';
import { RelayFile } from './relays.ts';

/** Connections at once; a Tor client holds some tens. */
export const MAX_CONNECTIONS = 512;
/** ms until the far end must have answered. */
const CONNECT_TIMEOUT_MS = 30_000;
/** ms without a byte either way; Tor sends a cell every few minutes (KeepalivePeriod 5 minutes). */
const IDLE_MS = 15 * 60_000;
/** ms for a whole request head. */
const HEAD_MS = 10_000;

const STATUS: Readonly<Record<RefusalCode, number>> = {
  malformed: 400,
  name: 403,
  reserved: 403,
  'not-a-relay': 403,
};

/**
 * Tor's way out: CONNECT to a literal address, and nothing else. It resolves no names, has one client, and opens no
 * connection of its own. What it refuses is counted, never logged: targets are nobody's business.
 */
export class Uplink {
  readonly counters = new Counters();
  readonly #config: UplinkConfig;
  readonly #life = new Lifecycle();
  readonly #server: Server;
  readonly #relays: RelayFile | undefined;
  readonly #sockets = new Set<Duplex>();
  #open = 0;

  constructor(config: UplinkConfig) {
    this.#config = config;
    this.#relays = config.relays === undefined ? undefined : new RelayFile(config.relays, this.counters);
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
    this.#server.on('connect', (req, socket, head) => this.#connect(req, socket, head));
    this.#server.on('clientError', (_error, socket) => {
      this.counters.add('refused-malformed');
      answer(socket, 400);
    });
  }

  /** Throws `ListenError`. */
  async start(): Promise<void> {
    const { health, listen: address } = this.#config;
    const relays = this.#relays;
    if (relays) await this.#life.start('relays', () => relays.start());
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

  /** Figures only. */
  status(): object {
    const relays = this.#relays?.relays.size;
    return {
      open: this.#open,
      ...(relays === undefined ? {} : { relays }),
      counters: this.counters.toJSON(),
    };
  }

  #close(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    for (const socket of this.#sockets) socket.destroy();
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

  #connect(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const decision = decideConnect(req.url ?? '', {
      allowPrivateAddresses: this.#config.allowPrivateAddresses,
      relays: this.#relays?.relays,
    });
    if (decision.kind === 'refuse') {
      this.counters.add(`refused-${decision.code}`);
      return answer(socket, STATUS[decision.code]);
    }
    const { host, port } = decision;
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
