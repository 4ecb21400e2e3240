import type { Socket } from 'node:net';
import { plainAddress } from '@allium/common/net/client-counts.ts';
import { type RequestFault, type RequestHead, RequestReader } from '../http/request-head.ts';
import type { Answer } from '../pages/answer.ts';
import { SLOW_CLIENT } from './answers.ts';
import type { Context } from './context.ts';
import { HeadTaker } from './head-taker.ts';
import { lastHead } from './last-answer.ts';
import { LINGER_MS } from './limits.ts';
import { ParentLink } from './parent-link.ts';
import { Turn } from './turn.ts';
import type { Phase, Watched } from './watch.ts';
import { Wire } from './wire.ts';

/** Requests of one client that are answered out of what had come before the one in front of them was. */
export const PIPELINE_MAX = 16;

/** What one turn leaves behind: the next one may begin, or the connection has been seen to. */
export type Outcome = 'next' | 'end';
/** Answers one request. */
export type Serve = (turn: Turn) => Promise<Outcome> | Outcome;

/** One connection of a client, from its first request to its last. */
export class ClientVisit implements Watched {
  readonly wire: Wire;
  readonly socket: Socket;
  readonly link: ParentLink;
  readonly context: Context;
  /** address and port of the client, and the address that it came to */
  readonly origin: string;
  readonly port: number;
  readonly listenAddress: string;
  /** host that a tunnel to port 80 was opened for; requests in it are in origin form */
  tunnelTo: string | undefined;
  turn = 0;
  #phase: Phase = 'first';
  #reader: RequestReader;
  #pipelined = 0;
  /** what to do when a parent is late */
  #onLate: (() => void) | undefined;

  constructor(socket: Socket, context: Context, tunnelTo?: string) {
    this.socket = socket;
    this.wire = new Wire(socket);
    this.context = context;
    this.tunnelTo = tunnelTo;
    this.link = new ParentLink(context.policy.settings.serverKeepAliveMs);
    this.origin = plainAddress(socket.remoteAddress);
    this.port = socket.remotePort ?? 0;
    this.listenAddress = plainAddress(socket.localAddress);
    this.#reader = new RequestReader(context.limits);
  }

  /** Serves requests one after the other until the connection is of no more use. */
  async run(serve: Serve): Promise<void> {
    this.wire.onGone = () => this.link.end();
    try {
      for (;;) {
        const head = await this.#nextHead();
        if (head === undefined) break;
        this.enter('off');
        if ((await serve(new Turn(this, head))) === 'end') return;
        if (!this.#mayGoOn()) return;
      }
      this.wire.destroy();
    } finally {
      this.link.end();
    }
  }

  get phase(): Phase {
    const waits = this.#phase === 'first' || this.#phase === 'idle';
    return waits && this.#reader.begun ? 'head' : this.#phase;
  }

  limitMs(): number {
    const { limits, policy } = this.context;
    switch (this.phase) {
      case 'first':
      case 'head':
        return limits.headMs;
      case 'idle':
        return Math.max(policy.settings.keepAliveMs, 1);
      case 'answer':
        return policy.settings.socketTimeoutMs;
      case 'linger':
        return LINGER_MS;
      case 'off':
        return Number.POSITIVE_INFINITY;
    }
  }

  moved(): boolean {
    const parent = this.link.current;
    const moved = this.wire.moved || parent?.moved === true;
    this.wire.moved = false;
    if (parent !== undefined) parent.moved = false;
    return moved;
  }

  late(): void {
    switch (this.phase) {
      case 'head':
        this.context.counters.add('client-late');
        this.finishWith(SLOW_CLIENT);
        break;
      case 'idle':
        this.finish();
        break;
      case 'answer':
        this.#onLate?.();
        break;
      default:
        this.wire.destroy();
    }
  }

  /** @param onLate what to do when nothing moves for too long in `answer` */
  enter(phase: Phase, onLate?: () => void): void {
    this.#phase = phase;
    this.#onLate = onLate;
    this.turn++;
  }

  /** The next head is the first one of a tunnel: nothing of the client's is in it yet. */
  enterTunnel(authority: string): void {
    this.tunnelTo = authority;
    this.link.drop();
    this.enter('first');
  }

  /** Whether more than the turn that is served has come, and more than there may. */
  overrun(): boolean {
    if (!this.wire.holds) return false;
    return !this.context.policy.settings.toleratePipelining || this.#pipelined >= PIPELINE_MAX;
  }

  /** An answer of our own, and the last one; without its body behind HEAD. */
  finishWith(answer: Answer, headOnly = false): void {
    this.wire.write(lastHead(answer), headOnly ? [] : [Buffer.from(answer.body)]);
    this.finish();
  }

  /** Ends the connection behind what has been written. */
  finish(): Outcome {
    this.link.end();
    this.enter('linger');
    this.wire.finish();
    return 'end';
  }

  /** The next request, why it is refused, or undefined when the client has gone. */
  #nextHead(): Promise<RequestHead | RequestFault | undefined> {
    this.#reader = new RequestReader(this.context.limits);
    if (this.#phase !== 'first') this.enter('idle');
    const { promise, resolve } = Promise.withResolvers<RequestHead | RequestFault | undefined>();
    this.wire.attach(new HeadTaker(this.#reader, resolve, () => resolve(undefined)));
    return promise;
  }

  #mayGoOn(): boolean {
    // What came right behind CONNECT is the tunnel's.
    if (this.#phase === 'first') return true;
    if (this.wire.gone) {
      this.wire.destroy();
      return false;
    }
    if (this.overrun()) {
      // Privoxy throws away what is pipelined behind, and closes.
      this.context.counters.add('pipelining-cut');
      this.finish();
      return false;
    }
    this.#pipelined = this.wire.holds ? this.#pipelined + 1 : 0;
    return true;
  }
}
