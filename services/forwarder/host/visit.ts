import type { Duplex } from 'node:stream';
import type { HeadLimits } from '../http/head-lines.ts';
import { type RequestFault, type RequestHead, RequestReader } from '../http/request-head.ts';
import type { Answer } from '../pages/answer.ts';
import { HeadTaker } from './head-taker.ts';
import { lastHead } from './last-answer.ts';
import { ParentLink } from './parent-link.ts';
import type { Phase, Watched } from './watch.ts';
import { Wire } from './wire.ts';

/** What one turn leaves behind: the next one may begin, or the connection has been seen to. */
export type Outcome = 'next' | 'end';

/** What holds for every connection of one door. Times in milliseconds. */
export interface Terms {
  /** of the head of a request, and of that of its answer */
  readonly requestHead: HeadLimits;
  readonly answerHead: HeadLimits;
  /** from the first byte of a head to its last; also for a connection that says nothing */
  readonly headMs: number;
  /** between two requests; 0: the connection ends after one answer */
  readonly keepAliveMs: number;
  /** how long a connection to a parent waits for the next request; 0: it does not */
  readonly parentKeepAliveMs: number;
  /** without a byte either way while a request is served, and in a tunnel */
  readonly silenceMs: number;
  readonly tunnelIdleMs: number;
  /** for whoever has the last answer to go */
  readonly lingerMs: number;
  /** requests that are answered out of what had come before the one in front of them was */
  readonly pipelineMax: number;
  /** what an answer says of the connection that it comes over */
  readonly connectionHeaders: (keep: boolean) => readonly string[];
  /** for a head that is not there in time */
  readonly slow: Answer;
  readonly count: (what: 'client-late' | 'pipelining-cut' | 'upstream-stale') => void;
}

/** One connection of a client, from its first request to its last. */
export class Visit implements Watched {
  readonly wire: Wire;
  readonly link: ParentLink;
  readonly terms: Terms;
  turn = 0;
  #phase: Phase = 'first';
  #reader: RequestReader;
  #pipelined = 0;
  /** what to do when a parent is late */
  #onLate: (() => void) | undefined;

  constructor(socket: Duplex, terms: Terms) {
    this.wire = new Wire(socket);
    this.terms = terms;
    this.link = new ParentLink(terms.parentKeepAliveMs);
    this.#reader = new RequestReader(terms.requestHead);
  }

  /** Serves requests one after the other until the connection is of no more use. */
  async run(serve: (asked: RequestHead | RequestFault) => Promise<Outcome> | Outcome): Promise<void> {
    this.wire.onGone = () => this.link.end();
    try {
      for (;;) {
        const asked = await this.#nextHead();
        if (asked === undefined) break;
        this.enter('off');
        if ((await serve(asked)) === 'end') return;
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
    const { terms } = this;
    switch (this.phase) {
      case 'first':
      case 'head':
        return terms.headMs;
      case 'idle':
        return Math.max(terms.keepAliveMs, 1);
      case 'answer':
        return terms.silenceMs;
      case 'linger':
        return terms.lingerMs;
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
        this.terms.count('client-late');
        this.finishWith(this.terms.slow);
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

  /** From now on it may be silent for long. */
  expectSilence(): void {}

  /** Whether more than the turn that is served has come, and more than there may. */
  overrun(): boolean {
    return this.wire.holds && this.#pipelined >= this.terms.pipelineMax;
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
    this.#reader = new RequestReader(this.terms.requestHead);
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
      this.terms.count('pipelining-cut');
      this.finish();
      return false;
    }
    this.#pipelined = this.wire.holds ? this.#pipelined + 1 : 0;
    return true;
  }
}
