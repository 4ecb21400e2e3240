import { connect, type Socket } from 'node:net';
import { splice } from '@allium/common/net/splice.ts';
import { permitted } from '../rules/access.ts';
import {
  HANDSHAKE_MS,
  type Parent,
  Splitter,
  type SplitterInput,
  type SplitterOutput,
} from '../socks/splitter.ts';
import type { Endpoint } from '../syntax/endpoint.ts';
import type { SocksDoorSettings } from '../syntax/socks-line.ts';
import { loopbackFor } from './client-address.ts';
import type { Context } from './context.ts';
import { isLocal } from './dial.ts';

/** Times in milliseconds. */
export interface SocksLimits {
  readonly handshakeMs: number;
  /** without a byte either way; shells and chats are silent for hours, and a parent ends what is dead to it */
  readonly idleMs: number;
  /** connections at once of one client address: what Tor Browser opens at most */
  readonly perClient: number;
  /** connections at once, over all SOCKS doors; each holds two sockets */
  readonly total: number;
}

export const SOCKS_LIMITS: SocksLimits = {
  handshakeMs: HANDSHAKE_MS,
  idleMs: 24 * 3_600_000,
  perClient: 256,
  total: 1_024,
};

/** Milliseconds that a client has to take the last answer and go. */
const LINGER_MS = 5_000;

/** One connection of a client and the one it leads to. */
export class SocksVisit {
  readonly #client: Socket;
  readonly #address: string;
  readonly #door: SocksDoorSettings;
  readonly #context: Context;
  readonly #limits: SocksLimits;
  readonly #core: Splitter;
  #parent: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    client: Socket,
    address: string,
    door: SocksDoorSettings,
    context: Context,
    limits: SocksLimits,
  ) {
    this.#client = client;
    this.#address = address;
    this.#door = door;
    this.#context = context;
    this.#limits = limits;
    this.#core = new Splitter({ tor: door.tor !== undefined, handshakeMs: limits.handshakeMs });
  }

  start(): void {
    this.#client.on('data', this.#onData).once('end', this.#onEnd).once('close', this.#onEnd);
    this.#step({ kind: 'start' });
  }

  /** Both connections end now. */
  cut(): void {
    clearTimeout(this.#timer);
    this.#client.destroy();
    this.#parent?.destroy();
  }

  readonly #onData = (bytes: Buffer): void => this.#step({ kind: 'bytes', bytes });
  readonly #onEnd = (): void => this.#step({ kind: 'ended' });
  readonly #onParentData = (bytes: Buffer): void => this.#step({ kind: 'parent-bytes', bytes });
  readonly #onParentGone = (): void => this.#step({ kind: 'parent-gone' });

  #step(input: SplitterInput): void {
    const now = this.#context.now();
    for (const output of this.#core.step(input, now)) this.#do(output, now);
  }

  #do(output: SplitterOutput, now: number): void {
    switch (output.kind) {
      case 'send':
        this.#client.write(output.bytes);
        return;
      case 'send-parent':
        this.#parent?.write(output.bytes);
        return;
      case 'wake':
        this.#timer = setTimeout(() => this.#step({ kind: 'tick' }), output.at - now);
        return;
      case 'dial':
        this.#dial(output.parent);
        return;
      case 'pause':
        this.#client.pause();
        return;
      case 'relay':
        this.#relay(output.early);
        return;
      case 'close':
        this.#context.counters.add(`socks-${output.reason}`);
        this.#close();
        return;
    }
  }

  #dial(which: Parent): void {
    const endpoint = which === 'i2p' ? this.#door.i2p : this.#door.tor;
    // The core asks for Tor only at a door that has it.
    if (endpoint === undefined) return this.cut();
    if (!this.#permits(endpoint)) {
      this.#context.counters.add('access-denied');
      return this.cut();
    }
    this.#context.counters.add(`socks-to-${which}`);
    this.#parent = dialFrom(endpoint, this.#address);
    this.#parent.on('error', () => {});
    this.#parent.once('connect', () => this.#step({ kind: 'dialled' }));
    this.#parent.on('data', this.#onParentData);
    this.#parent.once('end', this.#onParentGone).once('close', this.#onParentGone);
  }

  /** Access lines that name a destination mean the parent, as for HTTP. */
  #permits(parent: Endpoint): boolean {
    const from = { host: this.#address, port: this.#client.remotePort ?? 0 };
    return permitted(this.#context.policy.settings.access, from, 'path' in parent ? 'socket' : parent);
  }

  #relay(early: Uint8Array): void {
    const parent = this.#parent;
    if (parent === undefined) return this.cut();
    this.#detach();
    this.#client.pause();
    parent.pause();
    if (early.length > 0) parent.write(early);
    void splice(this.#client, parent, this.#limits.idleMs);
  }

  #close(): void {
    this.#detach();
    this.#parent?.destroy();
    this.#client.end();
    // What is still being sent is read away for a while, or the answer would be lost in a reset.
    this.#client.resume();
    this.#timer = setTimeout(() => this.#client.destroy(), LINGER_MS);
  }

  #detach(): void {
    clearTimeout(this.#timer);
    this.#client.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    this.#parent
      ?.off('data', this.#onParentData)
      .off('end', this.#onParentGone)
      .off('close', this.#onParentGone);
  }
}

function dialFrom(endpoint: Endpoint, client: string): Socket {
  if ('path' in endpoint) return connect({ path: endpoint.path, allowHalfOpen: true });
  const { host, port } = endpoint;
  const local = isLocal(endpoint) ? { localAddress: loopbackFor(client) } : {};
  return connect({ host, port, ...local, noDelay: true, allowHalfOpen: true });
}
