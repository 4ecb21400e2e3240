import { Wake } from '@allium/common/core/wake.ts';
import type { I2npMessage } from '../i2np/message.ts';
import type { RouterHash } from '../wire/hash.ts';
import { Accumulator } from './accumulator.ts';
import { closeOf, Linger } from './close.ts';
import { DataPhase, type Ending, isOversized } from './data-phase.ts';
import { FrameWriter } from './frame-writer.ts';
import type { HandshakeFailure, HandshakeStep, Skew } from './handshake.ts';
import { Ntcp2Initiator } from './initiator.ts';
import { CONNECT_TIMEOUT, HANDSHAKE_TIMEOUT } from './limits.ts';
import { type Phase, type SessionCounts, stageOf, statsOf } from './phase.ts';
import { Ntcp2Responder } from './responder.ts';
import { SendQueue } from './send-queue.ts';
import type {
  Close,
  CloseCode,
  DropCause,
  Input,
  Ntcp2Acceptance,
  Ntcp2Config,
  Ntcp2Peer,
  Ntcp2Stats,
  Output,
  Stage,
} from './types.ts';

/**
 * One NTCP2 connection, from dialling to its end. Its contract:
 *
 * - The first step is a `tick`, right after construction: it starts the connect timer.
 * - Every step is fed with the network time in ms.
 * - Outputs are obeyed in their order. `wake` asks for a `tick`; later, earlier and superfluous ticks are harmless.
 * - One timer at a time, by the phase: connect, handshake, then those of the data phase, or lingering.
 * - Nothing throws on input. `closed` is the last output ever.
 */
export class Ntcp2Session {
  readonly #config: Ntcp2Config;
  readonly #start: () => Ntcp2Initiator | Ntcp2Responder;
  readonly #queue = new SendQueue();
  readonly #input = new Accumulator();
  readonly #counts: SessionCounts = {
    bytesSent: 0,
    bytesReceived: 0,
    dropped: { expired: 0, overflow: 0, oversized: 0, closed: 0 },
  };
  #phase: Phase = { kind: 'connect' };
  #outputs: Output[] = [];
  /** milliseconds since the epoch; until the data phase */
  #deadline: number | undefined;
  readonly #wake = new Wake();
  #blocked = false;
  /** date of the RouterInfo that the peer has from us; 0 for none */
  #published = 0;
  #peer: RouterHash | undefined;
  /** outlives its phase for the statistics */
  #data: DataPhase | undefined;

  private constructor(config: Ntcp2Config, start: () => Ntcp2Initiator | Ntcp2Responder) {
    this.#config = config;
    this.#start = start;
  }

  /** Us dialling `peer`. */
  static initiator(config: Ntcp2Config, peer: Ntcp2Peer): Ntcp2Session {
    return new Ntcp2Session(config, () => new Ntcp2Initiator(config, peer));
  }

  /** Somebody dialling us. */
  static responder(config: Ntcp2Config, acceptance: Ntcp2Acceptance): Ntcp2Session {
    return new Ntcp2Session(config, () => new Ntcp2Responder(config, acceptance));
  }

  /** Known once the handshake is done. */
  get peer(): RouterHash | undefined {
    return this.#peer;
  }

  get stats(): Ntcp2Stats {
    return statsOf(this.#counts, this.#queue.size, this.#data);
  }

  /** `now` is network time in milliseconds. */
  step(input: Input, now: number): Output[] {
    this.#outputs = [];
    this.#deadline ??= now + CONNECT_TIMEOUT;
    switch (input.kind) {
      case 'connected':
        this.#connected(now);
        break;
      case 'bytes':
        this.#bytes(input.bytes, now);
        break;
      case 'send':
        this.#send(input.message, now);
        break;
      case 'blocked':
        this.#blocked = true;
        break;
      case 'drained':
        this.#blocked = false;
        break;
      case 'tick':
        this.#wake.spent();
        this.#tick(now);
        break;
      case 'closed':
        this.#end('peer-closed');
        break;
      case 'terminate':
        this.#terminate(input.reason);
        break;
    }
    if (this.#phase.kind === 'data' && !this.#blocked) this.#phase.data.flush(now, this.#outputs);
    return this.#finish(now);
  }

  #connected(now: number): void {
    if (this.#phase.kind !== 'connect') return;
    const handshake = this.#start();
    this.#phase = { kind: 'handshake', handshake };
    this.#deadline = now + HANDSHAKE_TIMEOUT;
    if (!(handshake instanceof Ntcp2Initiator)) return;
    this.#published = handshake.published;
    const request = handshake.request(now);
    if (request) this.#outputs.push({ kind: 'send', bytes: request });
    else this.#end('authentication');
  }

  #bytes(bytes: Uint8Array, now: number): void {
    this.#counts.bytesReceived += bytes.length;
    const phase = this.#phase;
    if (phase.kind === 'linger' && phase.linger.swallow(bytes.length)) this.#leave(phase.linger);
    if (phase.kind !== 'handshake' && phase.kind !== 'data') return;
    this.#input.feed(bytes);
    while (this.#phase.kind === 'handshake') {
      const { handshake } = this.#phase;
      const { stage } = handshake;
      const piece = this.#input.take(handshake.wanted);
      if (!piece) return;
      this.#advance(stage, handshake.receive(piece, now), now);
    }
    if (this.#phase.kind !== 'data') return;
    const ending = this.#phase.data.receive(this.#input, now, this.#outputs);
    if (ending) this.#endData(this.#phase.data, ending, now);
  }

  #advance(stage: Stage, step: HandshakeStep, now: number): void {
    // Whoever awaits our message has nothing to say before it: Alice behind message 1, Bob behind message 2.
    const awaited = step.kind === 'reply' || (step.kind === 'done' && step.bytes !== undefined);
    if (awaited && this.#input.remaining > 0) {
      this.#close(closeOf(stage, 'format'));
      return;
    }
    if (step.kind === 'failed') this.#fail(stage, step, now);
    if (step.kind === 'reply') {
      this.#outputs.push({ kind: 'send', bytes: step.bytes });
      this.#deadline = now + HANDSHAKE_TIMEOUT;
    }
    if (step.kind === 'done') this.#establish(step, now);
  }

  #establish(step: Extract<HandshakeStep, { kind: 'done' }>, now: number): void {
    const { bytes, keys, peer, routerInfo } = step;
    if (bytes) this.#outputs.push({ kind: 'send', bytes });
    this.#measured(step.skew);
    this.#peer = peer;
    this.#outputs.push({ kind: 'established', peer, ...(routerInfo ? { routerInfo } : {}) });
    const data = new DataPhase(this.#config, this.#queue, this.#drop, {
      keys,
      published: this.#published,
      now,
    });
    this.#data = data;
    this.#phase = { kind: 'data', data, initiated: bytes !== undefined };
  }

  #fail(stage: Stage, failure: HandshakeFailure, now: number): void {
    const { code, refusal } = failure;
    if (failure.skew) this.#measured(failure.skew);
    const close = closeOf(stage, code, refusal?.reason);
    if (refusal) {
      const writer = new FrameWriter(refusal.keys.send, this.#config.random);
      this.#outputs.push({ kind: 'send', bytes: writer.termination(0, refusal.reason) });
    }
    if (failure.linger) this.#linger(close, now);
    else this.#close(close);
  }

  #endData(data: DataPhase, ending: Ending, now: number): void {
    const { code, reason, say } = ending;
    const close = closeOf(stageOf(this.#phase), code, reason);
    const farewell = say && reason !== undefined ? data.termination(reason) : undefined;
    if (ending.linger) {
      this.#linger(close, now, farewell);
      return;
    }
    if (farewell) this.#outputs.push({ kind: 'send', bytes: farewell });
    this.#close(close);
  }

  #send(message: I2npMessage, now: number): void {
    if (this.#phase.kind === 'closed' || this.#phase.kind === 'linger') this.#drop(message, 'closed');
    else if (isOversized(message)) this.#drop(message, 'oversized');
    else if (message.expires <= now) this.#drop(message, 'expired');
    else this.#queue.push(message, (evicted) => this.#drop(evicted, 'overflow'));
  }

  #tick(now: number): void {
    const phase = this.#phase;
    if (phase.kind === 'linger' && now >= phase.linger.until) this.#leave(phase.linger);
    if (phase.kind === 'data') {
      const ending = phase.data.tick(now, this.#outputs);
      if (ending) this.#endData(phase.data, ending, now);
    }
    const waiting = phase.kind === 'connect' || phase.kind === 'handshake';
    if (waiting && now >= (this.#deadline ?? now)) this.#end('timeout');
  }

  #terminate(reason: number): void {
    if (this.#phase.kind === 'data') {
      this.#outputs.push({ kind: 'send', bytes: this.#phase.data.termination(reason) });
    }
    this.#end('local', reason);
  }

  /** Closes at once and without a word, at the present stage; a lingering session for its own reason. */
  #end(code: CloseCode, reason?: number): void {
    const close = this.#phase.kind === 'linger' ? this.#phase.linger.close : undefined;
    this.#close(close ?? closeOf(stageOf(this.#phase), code, reason));
  }

  #linger(close: Close, now: number, farewell?: Uint8Array): void {
    const linger = new Linger(this.#config.random, now, close, farewell);
    this.#phase = { kind: 'linger', linger };
    if (linger.swallow(this.#input.remaining)) this.#leave(linger);
  }

  #leave(linger: Linger): void {
    if (linger.farewell) this.#outputs.push({ kind: 'send', bytes: linger.farewell });
    this.#close(linger.close);
  }

  #close(close: Close): void {
    if (this.#phase.kind === 'closed') return;
    this.#phase = { kind: 'closed' };
    for (let left = this.#queue.shift(); left; left = this.#queue.shift()) this.#drop(left, 'closed');
    this.#outputs.push({ kind: 'closed', ...close });
  }

  readonly #drop = (message: I2npMessage, cause: DropCause): void => {
    this.#counts.dropped[cause]++;
    this.#outputs.push({ kind: 'dropped', message, cause });
  };

  #measured(skew: Skew): void {
    this.#outputs.push({ kind: 'skew', ...skew });
  }

  /** Counts what goes out and asks for the next tick. */
  #finish(now: number): Output[] {
    const outputs = this.#outputs;
    for (const output of outputs) if (output.kind === 'send') this.#counts.bytesSent += output.bytes.length;
    const at = this.#wake.ask(this.#nextDeadline(now) ?? Number.POSITIVE_INFINITY, now);
    if (at !== undefined) outputs.push({ kind: 'wake', at });
    return outputs;
  }

  #nextDeadline(now: number): number | undefined {
    const phase = this.#phase;
    if (phase.kind === 'closed') return undefined;
    if (phase.kind === 'linger') return phase.linger.until;
    if (phase.kind !== 'data') return this.#deadline;
    return this.#queue.size > 0 && !this.#blocked ? now : phase.data.deadline;
  }
}
