/** Packets that may leave at once: a burst that a tunnel gateway's queue swallows easily (16 tunnel messages). */
const MAX_BURST = 8;
/** Sending somewhat faster than window per RTT lets the window be the limit, not the pacer (as in Linux). */
const SLOW_START_GAIN = 2;
const STEADY_GAIN = 1.25;
/** ms; a timer cannot be asked for less. */
const MIN_SLEEP = 1;

/** Spreads a window over its round trip. Credit is counted in packets and grows with time. */
export class Pacer {
  #credit = MAX_BURST;
  #at = Number.NEGATIVE_INFINITY;
  /** packets per ms */
  #rate = Number.POSITIVE_INFINITY;

  /** Called when window or RTT have changed; without an RTT there is no pacing. */
  adjust(window: number, rtt: number | undefined, slowStart: boolean): void {
    this.#rate =
      rtt === undefined || rtt < MIN_SLEEP
        ? Number.POSITIVE_INFINITY
        : (window * (slowStart ? SLOW_START_GAIN : STEADY_GAIN)) / rtt;
  }

  /** True: one packet may leave now and was counted. */
  take(now: number): boolean {
    this.#refill(now);
    if (this.#credit < 1) return false;
    this.#credit--;
    return true;
  }

  /** When the next packet may leave, in ms. */
  next(now: number): number {
    const missing = Math.max(0, 1 - this.#credit);
    return now + Math.max(MIN_SLEEP, Math.ceil(missing / this.#rate));
  }

  #refill(now: number): void {
    if (now <= this.#at) return;
    // At high rates one timer step is worth more than the plain burst: a late timer must not cost bandwidth.
    const burst = Math.max(MAX_BURST, this.#rate * 4 * MIN_SLEEP);
    const gained = Number.isFinite(this.#rate) ? (now - this.#at) * this.#rate : burst;
    this.#credit = Number.isFinite(burst) ? Math.min(burst, this.#credit + gained) : Number.POSITIVE_INFINITY;
    this.#at = now;
  }
}
