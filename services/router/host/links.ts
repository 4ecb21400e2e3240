import type { Socket } from 'node:net';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import type { LinkId, NodeInput, NodeOutput } from '../node/node-io.ts';
import { DialFailure, dialThroughSocks } from './socks-dialer.ts';

/** Milliseconds a socket may take to flush its last bytes before it is destroyed. */
const LINGER_MS = 2_000;

/** The TCP connections of the node: dials through Tor, moves bytes, reports backpressure. Nothing else dials. */
export class Links {
  readonly #proxy: ListenAddress;
  readonly #feed: (input: NodeInput) => void;
  readonly #sockets = new Map<LinkId, Socket>();
  readonly #dials = new Map<LinkId, AbortController>();
  readonly #corked = new Set<Socket>();

  constructor(proxy: ListenAddress, feed: (input: NodeInput) => void) {
    this.#proxy = proxy;
    this.#feed = feed;
  }

  get size(): number {
    return this.#sockets.size;
  }

  async dial(output: Extract<NodeOutput, { kind: 'dial' }>): Promise<void> {
    const { link, host, port, isolation } = output;
    const abort = new AbortController();
    this.#dials.set(link, abort);
    try {
      const socket = await dialThroughSocks(this.#proxy, { host, port, isolation }, abort.signal);
      this.#dials.delete(link);
      this.#attach(link, socket);
    } catch (error) {
      this.#dials.delete(link);
      const code = error instanceof DialFailure ? error.code : 'proxy';
      this.#feed({ kind: 'dialFailed', link, code });
    }
  }

  send(link: LinkId, bytes: Uint8Array): void {
    const socket = this.#sockets.get(link);
    if (socket === undefined || socket.destroyed) return;
    if (!this.#corked.has(socket)) {
      socket.cork();
      this.#corked.add(socket);
    }
    if (!socket.write(bytes)) this.#feed({ kind: 'blocked', link });
  }

  /** Hands everything that was sent in this turn to the kernel: many frames, one system call. */
  flush(): void {
    for (const socket of this.#corked) socket.uncork();
    this.#corked.clear();
  }

  hangup(link: LinkId): void {
    this.#dials.get(link)?.abort();
    const socket = this.#sockets.get(link);
    if (socket === undefined) return;
    this.#sockets.delete(link);
    socket.end();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }

  stop(): void {
    for (const abort of this.#dials.values()) abort.abort();
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #attach(link: LinkId, socket: Socket): void {
    this.#sockets.set(link, socket);
    socket.on('data', (bytes: Buffer) => {
      if (this.#sockets.has(link)) this.#feed({ kind: 'bytes', link, bytes });
    });
    socket.on('drain', () => this.#feed({ kind: 'drained', link }));
    socket.on('error', () => {});
    socket.once('close', () => {
      if (this.#sockets.delete(link)) this.#feed({ kind: 'closed', link });
    });
    this.#feed({ kind: 'dialed', link });
    socket.resume();
  }
}
