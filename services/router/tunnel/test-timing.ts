/** Milliseconds for out and back, at the most: six hops and Tor twice. */
export const TEST_TIMEOUT = 20_000;
/** And at the least, however fast the tests before were: a short stall of Tor is no loss. */
export const MIN_TEST_TIMEOUT = 6_000;
/** Mean deviations above the mean round trip that are still no loss (RFC 6298 has the same). */
const DEVIATIONS = 4;
const MEAN_GAIN = 1 / 8;
const DEVIATION_GAIN = 1 / 4;

/**
 * When a test has been waited for long enough. Shortly after what others took, but only if a test sent no earlier came
 * back: otherwise our own side may stand still, and all tunnels would fall for it.
 */
export class TestTiming {
  #mean: number | undefined;
  #deviation = 0;
  #proven = Number.NEGATIVE_INFINITY;

  passed(sentAt: number, now: number): void {
    this.#proven = Math.max(this.#proven, sentAt);
    const took = now - sentAt;
    if (this.#mean === undefined) {
      this.#mean = took;
      this.#deviation = took / 2;
      return;
    }
    this.#deviation += (Math.abs(took - this.#mean) - this.#deviation) * DEVIATION_GAIN;
    this.#mean += (took - this.#mean) * MEAN_GAIN;
  }

  /** ms; when a test sent at `sentAt` counts as lost. */
  deadline(sentAt: number): number {
    if (this.#mean === undefined || this.#proven < sentAt) return sentAt + TEST_TIMEOUT;
    const patience = Math.max(MIN_TEST_TIMEOUT, this.#mean + DEVIATIONS * this.#deviation);
    return sentAt + Math.min(TEST_TIMEOUT, patience);
  }
}
