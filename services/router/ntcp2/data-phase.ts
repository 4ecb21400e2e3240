import { randomBelow } from '@allium/common/core/random.ts';
import type { I2npMessage } from '../i2np/message.ts';
import type { Accumulator } from './accumulator.ts';
import { i2npBlockSize } from './blocks.ts';
import { FrameOpener, LENGTH_SIZE } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { FrameWriter, MAX_CONTENT } from './frame-writer.ts';
import {
  FLUSH_LIMIT,
  FRAME_TIMEOUT,
  IDLE_CLOSE,
  KEEP_ALIVE_MAX,
  KEEP_ALIVE_MIN,
  ROUTER_INFO_RESEND,
} from './limits.ts';
import type { SendQueue } from './send-queue.ts';
import { TERMINATION } from './termination.ts';
import type { TransportKeys } from './transport-keys.ts';
import type { CloseCode, DropCause, Ntcp2Config, Output } from './types.ts';

/** Why the data phase is over. */
export interface Ending {
  readonly code: CloseCode;
  readonly reason?: number;
  /** the peer is told with a Termination block */
  readonly say: boolean;
  /** read on for a while first (NTCP2, "AEAD Error Handling") */
  readonly linger: boolean;
}

export interface DataPhaseStart {
  readonly keys: TransportKeys;
  /** `published` of the RouterInfo that the peer has from us, 0 for none */
  readonly published: number;
  readonly now: number;
}

type Drop = (message: I2npMessage, cause: DropCause) => void;

/** Frames in both directions, and the timers that only an established session has. */
export class DataPhase {
  readonly #config: Ntcp2Config;
  readonly #queue: SendQueue;
  readonly #drop: Drop;
  readonly #opener: FrameOpener;
  readonly #reader = new FrameReader();
  readonly #writer: FrameWriter;
  /** bytes of the frame whose length is read already */
  #wanted: number | undefined;
  #frameDeadline = Number.POSITIVE_INFINITY;
  /** drawn anew for every keep-alive frame */
  #keepAliveDelay: number;
  #keepAliveAt: number;
  #activeAt: number;
  #routerInfoAt: number;
  #published: number;
  #messagesSent = 0;
  #accepted = false;

  constructor(config: Ntcp2Config, queue: SendQueue, drop: Drop, start: DataPhaseStart) {
    this.#config = config;
    this.#queue = queue;
    this.#drop = drop;
    this.#opener = new FrameOpener(start.keys.receive);
    this.#writer = new FrameWriter(start.keys.send, config.random);
    this.#activeAt = start.now;
    this.#published = start.published;
    this.#routerInfoAt = start.now + ROUTER_INFO_RESEND;
    this.#keepAliveDelay = randomDelay(config);
    this.#keepAliveAt = start.now + this.#keepAliveDelay;
  }

  /** The peer has sent a frame that did not end the session. */
  get accepted(): boolean {
    return this.#accepted;
  }

  /** Valid frames received so far. */
  get framesReceived(): number {
    return this.#opener.frames;
  }

  get framesSent(): number {
    return this.#writer.frames;
  }

  get messagesReceived(): number {
    return this.#reader.messages;
  }

  get messagesSent(): number {
    return this.#messagesSent;
  }

  /** Milliseconds since the epoch of the next thing to do without input. */
  get deadline(): number {
    const idleAt = this.#activeAt + this.#idleClose;
    return Math.min(this.#frameDeadline, this.#keepAliveAt, this.#routerInfoAt, idleAt);
  }

  /** All whole frames that `input` holds. */
  receive(input: Accumulator, now: number, outputs: Output[]): Ending | undefined {
    for (;;) {
      const frame = this.#nextFrame(input);
      if (frame === 'none') break;
      if (frame === 'invalid') return speechless(TERMINATION.framing, 'format');
      const blocks = this.#opener.open(frame);
      if (!blocks) return speechless(TERMINATION.aead, 'authentication');
      const before = this.#reader.messages;
      const end = this.#reader.read(blocks, now, outputs);
      if (this.#reader.messages !== before) this.#activeAt = now;
      if (end?.kind === 'terminated')
        return { code: 'terminated', reason: end.reason, say: false, linger: false };
      if (end) return { code: 'format', reason: TERMINATION.payload, say: true, linger: false };
      this.#accepted = true;
      this.#frameDeadline = Number.POSITIVE_INFINITY;
    }
    const partial = this.#wanted !== undefined || input.pending;
    if (!partial) this.#frameDeadline = Number.POSITIVE_INFINITY;
    else if (this.#frameDeadline === Number.POSITIVE_INFINITY) this.#frameDeadline = now + FRAME_TIMEOUT;
    return undefined;
  }

  /** Writes queued messages, several to a frame, up to `FLUSH_LIMIT`. */
  flush(now: number, outputs: Output[]): void {
    let written = 0;
    while (this.#queue.size > 0 && written < FLUSH_LIMIT) {
      const { messages, size } = this.#queue.batch(now, (message) => this.#drop(message, 'expired'));
      if (messages.length === 0) return;
      const bytes = this.#writer.messages(messages, size);
      this.#messagesSent += messages.length;
      this.#activeAt = now;
      written += bytes.length;
      this.#wrote(bytes, now, outputs);
    }
  }

  /** Whatever is due. */
  tick(now: number, outputs: Output[]): Ending | undefined {
    if (now >= this.#frameDeadline) {
      return { code: 'timeout', reason: TERMINATION.frameTimeout, say: true, linger: false };
    }
    const keepAlive = this.#config.keepAlive();
    if (now >= this.#activeAt + this.#idleClose) {
      if (!keepAlive) return { code: 'idle', reason: TERMINATION.idle, say: true, linger: false };
      this.#activeAt = now;
    }
    if (now >= this.#routerInfoAt) this.#resendRouterInfo(now, outputs);
    if (now >= this.#keepAliveAt) {
      this.#keepAliveDelay = randomDelay(this.#config);
      this.#keepAliveAt = now + this.#keepAliveDelay;
      if (keepAlive) this.#wrote(this.#writer.keepAlive(now), now, outputs);
    }
    return undefined;
  }

  /** The frame that ends our direction. */
  termination(reason: number): Uint8Array {
    return this.#writer.termination(this.#opener.frames, reason);
  }

  #nextFrame(input: Accumulator): Uint8Array | 'none' | 'invalid' {
    if (this.#wanted === undefined) {
      const masked = input.take(LENGTH_SIZE);
      if (!masked) return 'none';
      this.#wanted = this.#opener.length(masked);
      if (this.#wanted === undefined) return 'invalid';
    }
    const frame = input.take(this.#wanted);
    if (!frame) return 'none';
    this.#wanted = undefined;
    return frame;
  }

  #resendRouterInfo(now: number, outputs: Output[]): void {
    this.#routerInfoAt = now + ROUTER_INFO_RESEND;
    const info = this.#config.localRouterInfo();
    if (info.published <= this.#published) return;
    this.#published = info.published;
    this.#wrote(this.#writer.routerInfo(info.raw), now, outputs);
  }

  #wrote(bytes: Uint8Array, now: number, outputs: Output[]): void {
    outputs.push({ kind: 'send', bytes });
    this.#keepAliveAt = now + this.#keepAliveDelay;
  }

  get #idleClose(): number {
    return this.#config.idleClose ?? IDLE_CLOSE;
  }
}

function randomDelay(config: Ntcp2Config): number {
  return KEEP_ALIVE_MIN + randomBelow(config.random, KEEP_ALIVE_MAX - KEEP_ALIVE_MIN);
}

/** A message that no frame can carry. */
export function isOversized(message: I2npMessage): boolean {
  return i2npBlockSize(message) > MAX_CONTENT;
}

/** The stream can't be trusted any more: go silent, then say why. */
function speechless(reason: number, code: CloseCode): Ending {
  return { code, reason, say: true, linger: true };
}
