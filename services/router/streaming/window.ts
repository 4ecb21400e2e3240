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
/** ms and factor: above `lowest * QUEUE_FACTOR + QUEUE_SLACK` our own packets are queueing in a tunnel. */
const QUEUE_FACTOR = 1.25;
const QUEUE_SLACK = 15;
/** Share of the window added per RTT while no queue builds up; plain +1 takes minutes to fill a 300 ms path. */
const FAST_GROWTH = 1 / 8;
/** Weight of one bandwidth sample. */
const BANDWIDTH_GAIN = 0.25;
/** ms; shorter intervals give noise, not bandwidth. */
const MIN_BANDWIDTH_INTERVAL = 20;

/**
 * How many packets may be unacknowledged: slow start, then growth that listens to delay, and after a loss
 * Westwood's rule: never below what the path demonstrably carries. Tunnels lose packets at random, so halving at
 * every loss as plain Reno does would leave most of the bandwidth unused.
 */
export class CongestionWindow {
  #size: number;
  #threshold = MAX_WINDOW;
  #max = MAX_WINDOW;
  /** losses of packets sent before this sequence number belong to a reduction already made */
  #recoverUntil = -1;
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

  get slowStart(): boolean {
    return this.#size < this.#threshold;
  }

  /**
   * `count` packets were acknowledged. `limited`: the window was (nearly) full, so growth is justified.
   * `rtt` and `lowest` are the latest sample and the lowest one, in ms.
   */
  acknowledged(
    count: number,
    limited: boolean,
    rtt: number | undefined,
    lowest: number | undefined,
    now: number,
  ): void {
    this.#measure(count, rtt, now);
    const queueing = rtt !== undefined && lowest !== undefined && rtt > lowest * QUEUE_FACTOR + QUEUE_SLACK;
    if (!limited) return;
    if (this.slowStart) {
      this.#size += count;
      // HyStart: leave slow start when the queue grows, not when it overflows.
      if (queueing && this.#size > 2 * INITIAL_WINDOW) this.#threshold = this.#size;
    } else {
      const perRtt = queueing ? 1 : Math.max(1, this.#size * FAST_GROWTH);
      this.#size += (perRtt * count) / this.#size;
    }
    this.#size = Math.min(this.#size, this.#max);
  }

  /** A packet was reported missing. At most one reduction per window; `nextSequence` is the next new packet's. */
  lost(sequence: number, nextSequence: number, lowest: number | undefined): void {
    if (sequence < this.#recoverUntil) return;
    this.#recoverUntil = nextSequence;
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
