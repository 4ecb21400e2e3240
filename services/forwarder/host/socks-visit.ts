import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { endSoon } from '@allium/common/net/end-soon.ts';
import { splice } from '@allium/common/net/splice.ts';
import { SocksAsking, type SocksAskOutput } from '@allium/common/socks/asking.ts';
import { SOCKS5_REPLY } from '@allium/common/socks/replies.ts';
import {
  type SocksAnswer,
  type SocksAsked,
  SocksServer,
  type SocksServerInput,
  type SocksServerOutput,
} from '@allium/common/socks/server.ts';
import { permitted } from '../rules/access.ts';
import { chooseParent, clientCode, type SocksChoice } from '../socks/choose.ts';
import type { Endpoint } from '../syntax/endpoint.ts';
import type { SocksDoorSettings } from '../syntax/socks-line.ts';
import { loopbackFor } from './client-address.ts';
import type { Context } from './context.ts';
import { isLocal } from './dial.ts';
import { FirstWord } from './first-word.ts';
import { LINGER_MS, PARENT_MS, type SocksLimits } from './limits.ts';

import { type SiteStream, StreamError } from './site-stream.ts';

type SiteChoice = Extract<SocksChoice, { kind: 'i2p' }>;

export interface SocksVisitParts {
  readonly client: Socket;
  /** of the workstation */
  readonly address: string;
  readonly door: SocksDoorSettings;
  readonly context: Context;
  readonly limits: SocksLimits;
  /** serves a connection to port 80 of an .i2p name as HTTP */
  readonly serveHttp: (client: Socket, authority: string) => void;
}

/** One connection of a client and the one it leads to. */
export class SocksVisit {
  readonly #parts: SocksVisitParts;
  readonly #core: SocksServer;
  /** what the client's bytes go to, before anything is granted */
  #taker: ((bytes: Uint8Array) => void) | undefined;
  /** takes the client over when the request is granted */
  #relay: (early: Uint8Array) => void = () => this.cut();
  /** the connection that the client's leads to */
  #far: Duplex | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: SocksVisitParts) {
    this.#parts = parts;
    this.#core = new SocksServer({ handshakeMs: parts.limits.handshakeMs });
  }

  start(): void {
    this.#parts.client.on('data', this.#onData).once('end', this.#onEnd).once('close', this.#onEnd);
    this.#step({ kind: 'start' });
  }

  /** Both connections end now. */
  cut(): void {
    clearTimeout(this.#timer);
    this.#parts.client.destroy();
    this.#far?.destroy();
  }

  readonly #onData = (bytes: Buffer): void => this.#step({ kind: 'bytes', bytes });
  readonly #onEnd = (): void => this.#step({ kind: 'ended' });

  #step(input: SocksServerInput): void {
    const now = this.#parts.context.now();
    for (const output of this.#core.step(input, now)) this.#do(output, now);
  }

  #answer(answer: SocksAnswer): void {
    this.#step(answer);
  }

  #do(output: SocksServerOutput, now: number): void {
    const { client, context } = this.#parts;
    switch (output.kind) {
      case 'send':
        client.write(output.bytes);
        return;
      case 'wake':
        this.#timer = setTimeout(() => this.#step({ kind: 'tick' }), output.at - now);
        return;
      case 'request':
        this.#serve(output);
        return;
      case 'pause':
        client.pause();
        return;
      case 'resume':
        client.resume();
        return;
      case 'data':
        this.#taker?.(output.bytes);
        return;
      case 'relay':
        this.#detach();
        this.#relay(output.early);
        return;
      case 'close':
        context.counters.add(`socks-${output.reason}`);
        this.#detach();
        this.#far?.destroy();
        endSoon(client, undefined, LINGER_MS);
        return;
    }
  }

  #serve(asked: SocksAsked): void {
    clearTimeout(this.#timer);
    const { door, context } = this.#parts;
    const choice = chooseParent(asked, { tor: door.tor !== undefined });
    if (choice.kind === 'refuse') return this.#answer({ kind: 'refused', code: choice.code });
    const parent = choice.kind === 'tor' ? door.tor : ('socket' as const);
    // The core asks for Tor only at a door that has it.
    if (parent === undefined) return this.cut();
    if (!this.#permits(parent)) {
      context.counters.add('access-denied');
      return this.cut();
    }
    if (parent !== 'socket') this.#toTor(asked, parent);
    else if (choice.kind === 'i2p') this.#toSite(choice);
  }

  /** Access lines that name a destination mean the parent, as for HTTP. */
  #permits(parent: Endpoint | 'socket'): boolean {
    const { address, client, context } = this.#parts;
    const from = { host: address, port: client.remotePort ?? 0 };
    const to = parent === 'socket' || 'path' in parent ? 'socket' : parent;
    return permitted(context.rules.settings.access, from, to);
  }

  /** The request goes on as it came, login included, for that is what Tor tells identities by; Tor's reply comes back. */
  #toTor(asked: SocksAsked, endpoint: Endpoint): void {
    const { address, client, context, limits } = this.#parts;
    context.counters.add('socks-to-tor');
    const parent = dialFrom(endpoint, address);
    this.#far = parent;
    const late = setTimeout(() => parent.destroy(), PARENT_MS);
    const refused = (): void => this.#answer({ kind: 'refused', code: SOCKS5_REPLY.failure });
    const over = (rest: Uint8Array): void => {
      clearTimeout(late);
      parent.off('data', take).off('end', refused).off('close', refused);
      parent.pause();
      if (rest.length > 0) parent.unshift(rest);
      this.#relay = (early) => {
        if (early.length > 0) parent.write(early);
        client.pause();
        void splice(client, parent, limits.idleMs);
      };
      // Tor's own reply is going to pass.
      this.#answer({ kind: 'granted', reply: new Uint8Array(0) });
    };
    const { raw: request, login } = asked;
    const asking = new SocksAsking({ request, login, atOnce: false, replies: 0 });
    const follow = (output: SocksAskOutput): void => {
      if (output.kind === 'send') parent.write(output.bytes);
      else if (output.kind === 'done') over(output.rest);
      else parent.destroy();
    };
    const take = (bytes: Buffer): void => asking.take(bytes).forEach(follow);
    parent
      .on('error', () => {})
      .once('end', refused)
      .once('close', refused);
    parent.once('close', () => clearTimeout(late));
    parent.once('connect', () => {
      parent.write(asked.version === 4 ? request : asking.start());
      if (asked.version === 4) over(new Uint8Array(0));
    });
    parent.on('data', take);
  }

  #toSite(choice: SiteChoice): void {
    const { address, client, context, limits, serveHttp } = this.#parts;
    const { i2p, counters } = context;
    if (i2p === undefined) return this.#answer({ kind: 'refused', code: SOCKS5_REPLY.failure });
    counters.add('socks-to-i2p');
    const dial = (early?: Uint8Array): SiteStream => i2p.dial(address, choice, early);
    if (choice.http) {
      // A browser sends its request when it was granted one, and that is to travel with the SYN.
      this.#relay = (early) => {
        const serve = (): void => serveHttp(client, choice.host);
        const { firstWordMs, idleMs } = limits;
        new FirstWord({ client, early, dial, firstWordMs, idleMs, serveHttp: serve }).listen();
      };
      return this.#answer({ kind: 'granted' });
    }
    const early: Uint8Array[] = [];
    this.#taker = (bytes) => void early.push(bytes);
    this.#answer({ kind: 'taking' });
    const { socket, opened } = dial(early.length > 0 ? Buffer.concat(early) : undefined);
    this.#far = socket;
    this.#taker = (bytes) => this.#feed(socket, bytes);
    this.#relay = () => {
      client.pause();
      void splice(client, socket, limits.idleMs);
    };
    opened.then(
      () => this.#answer({ kind: 'granted' }),
      (error: unknown) => this.#answer({ kind: 'refused', code: refusalCode(error) }),
    );
  }

  #feed(far: Duplex, bytes: Uint8Array): void {
    const { client } = this.#parts;
    if (far.write(bytes)) return;
    client.pause();
    far.once('drain', () => void client.resume());
  }

  #detach(): void {
    clearTimeout(this.#timer);
    this.#parts.client.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
  }
}

function refusalCode(error: unknown): number {
  const refused = error instanceof StreamError && error.detail.code === 'refused';
  return refused ? clientCode(error.detail.refusal) : SOCKS5_REPLY.failure;
}

function dialFrom(endpoint: Endpoint, client: string): Socket {
  if ('path' in endpoint) return connect({ path: endpoint.path, allowHalfOpen: true });
  const { host, port } = endpoint;
  const local = isLocal(endpoint) ? { localAddress: loopbackFor(client) } : {};
  return connect({ host, port, ...local, noDelay: true, allowHalfOpen: true });
}
