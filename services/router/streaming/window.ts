import type { RttEstimator } from './rtt.ts';

/** Packets. Java starts with 6, i2pd with 10. */
export const INITIAL_WINDOW = 6;
/** Packets; i2pd's limit. It holds out-of-order packets of such a window. */
export const MAX_WINDOW = 512;
/** Packets; Java's limit, and what a peer gets that has once run out of buffer. */
export const CHOKED_MAX_WINDOW = 128;
/** Packets; enough that losses still make NACKs instead of timeouts. */
export const MIN_WINDOW = 3;

/** Share of the window kept after a loss where the bandwidth estimate does not justify more (CUBIC's figure). */
const LOSS_FACTOR = 0.7;
/** Factor, ms and deviations by which the smoothed RTT exceeds the lowest one when our own packets queue in a tunnel. */
const QUEUE_FACTOR = 1.25;
const QUEUE_SLACK = 15;
const QUEUE_DEVIATIONS = 2;
/** Share of the window added per RTT while no queue builds up; plain +1 takes minutes to fill a 300 ms path. */
const FAST_GROWTH = 1 / 8;
/** Share of packets lost up to which losses without a queue count as the tunnels' own, not as congestion. */
const RANDOM_LOSS = 0.08;
/** Packets over which the share of losses is taken. */
const LOSS_MEMORY = 100;
/** Weight of one bandwidth sample. */
const BANDWIDTH_GAIN = 0.25;
/** ms; shorter intervals give noise, not bandwidth. */
const MIN_BANDWIDTH_INTERVAL = 20;

/**
 * How many packets may be unacknowledged: slow start, then growth that listens to delay, and after a loss
 * Westwood's rule: never below what the path demonstrably carries. Tunnels lose packets at random, so halving at
 * every loss as plain Reno does would leave most of the bandwidth unused (i2pd listens to delay alone): losses that
 * come without a queue and are few only slow the growth down.
 */
export class CongestionWindow {
  #size: number;
  #threshold = MAX_WINDOW;
  #max = MAX_WINDOW;
  /** losses of packets sent before this sequence number belong to a reduction already made */
  #recoverUntil = -1;
  #queueing = false;
  #lossShare = 0;
  /** packets per ms */
  #bandwidth = 0;
  #counted = 0;
  #countedSince: number | undefined;

  constructor(initial = INITIAL_WINDOW) {
    this.#size = Math.min(MAX_WINDOW, Math.max(INITIAL_WINDOW, initial));
  }

  /** Whole packets. */
  get size(): number {
    return Math.floor(this.#size);
  }

  /** Packets from the oldest unacknowledged to the newest: what the peer has to be able to keep. */
  get span(): number {
    return this.#max;
  }

  get slowStart(): boolean {
    return this.#size < this.#threshold;
  }

  /**
   * `count` packets were acknowledged. `limited`: the window was (nearly) full, so growth is justified.
   */
  acknowledged(count: number, limited: boolean, rtt: RttEstimator, now: number): void {
    const { smoothed, variance, lowest } = rtt;
    this.#measure(count, smoothed, now);
    this.#lossShare -= this.#lossShare * Math.min(1, count / LOSS_MEMORY);
    if (smoothed !== undefined && lowest !== undefined) {
      const allowance = QUEUE_SLACK + QUEUE_DEVIATIONS * variance;
      this.#queueing = smoothed > lowest * QUEUE_FACTOR + allowance;
    }
    if (!limited) return;
    if (this.slowStart) {
      this.#size += count;
      // HyStart: leave slow start when the queue grows, not when it overflows.
      if (this.#queueing && this.#size > 2 * INITIAL_WINDOW) this.#threshold = this.#size;
    } else {
      const careful = this.#queueing || this.#lossShare > RANDOM_LOSS / 2;
      const perRtt = careful ? 1 : Math.max(1, this.#size * FAST_GROWTH);
      this.#size += (perRtt * count) / this.#size;
    }
    this.#size = Math.min(this.#size, this.#max);
  }

  /**
   * `count` packets were reported missing, the lowest is `sequence`. At most one reduction per window;
   * `nextSequence` is the next new packet's.
   */
  lost(sequence: number, count: number, nextSequence: number, lowest: number | undefined): void {
    this.#lossShare += (1 - this.#lossShare) * Math.min(1, count / LOSS_MEMORY);
    if (sequence < this.#recoverUntil) return;
    this.#recoverUntil = nextSequence;
    if (!this.#queueing && this.#lossShare <= RANDOM_LOSS) {
      if (this.slowStart && this.#lossShare > RANDOM_LOSS / 4) this.#threshold = this.#size;
      return;
    }
    this.#size = Math.min(this.#size, Math.max(MIN_WINDOW, this.#size * LOSS_FACTOR, this.#carried(lowest)));
    this.#threshold = this.#size;
  }

  /** Nothing came back for a whole timeout: start again carefully. */
  timedOut(nextSequence: number, lowest: number | undefined): void {
    this.#recoverUntil = nextSequence;
    this.#threshold = Math.max(INITIAL_WINDOW, this.#size / 2, this.#carried(lowest));
    this.#size = MIN_WINDOW;
    this.#countedSince = undefined;
    this.#counted = 0;
  }

  /** The peer ran out of buffer: it does not hold more than Java's window. */
  choked(): void {
    this.#max = CHOKED_MAX_WINDOW;
    this.#threshold = Math.min(Math.max(INITIAL_WINDOW, this.#size / 2), this.#max);
    this.#size = Math.min(this.#size, INITIAL_WINDOW);
  }

  /** What the bandwidth estimate fills at the lowest RTT, in packets. */
  #carried(lowest: number | undefined): number {
    return lowest === undefined ? 0 : this.#bandwidth * lowest;
  }

  #measure(count: number, rtt: number | undefined, now: number): void {
    if (this.#countedSince === undefined) {
      this.#countedSince = now;
      return;
    }
    this.#counted += count;
    const interval = now - this.#countedSince;
    if (interval < Math.max(MIN_BANDWIDTH_INTERVAL, rtt ?? 0)) return;
    const sample = this.#counted / interval;
    this.#bandwidth += this.#bandwidth === 0 ? sample : (sample - this.#bandwidth) * BANDWIDTH_GAIN;
    this.#counted = 0;
    this.#countedSince = now;
  }
}
