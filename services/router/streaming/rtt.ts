/** ms; before the first sample. Java and i2pd agree. */
export const INITIAL_RTO = 9_000;
/** ms; Streaming API advises 100. Below this, scheduling noise in tunnels looks like loss. */
export const MIN_RTO = 300;
/** ms; MAX_RESEND_DELAY of Streaming API. */
export const MAX_RTO = 45_000;
/** ms; longest time that peers hold back an acknowledgement of steady traffic (i2pd 200; Java less once it has RTTs). */
const ACK_DELAY_ALLOWANCE = 200;
/** ms; larger samples say nothing about the path (Streaming API: maximum RTT estimate). */
const MAX_SAMPLE = 60_000;
/** ms; the lowest RTT is taken over one to two of these, so that a longer path is believed after a while. */
const MIN_RTT_SPAN = 30_000;

/** Round-trip estimate by RFC 6298 with the constants of the Streaming API, plus the lowest recent RTT. All in ms. */
export class RttEstimator {
  #smoothed: number | undefined;
  #variance = 0;
  #backoff = 0;
  #minOld = Number.POSITIVE_INFINITY;
  #minNew = Number.POSITIVE_INFINITY;
  #minSince = 0;

  /** `seed` carries estimates of an earlier stream to the same peer. */
  constructor(seed?: { readonly rtt: number; readonly variance: number }) {
    if (!seed) return;
    this.#smoothed = seed.rtt;
    this.#variance = seed.variance;
  }

  /** Undefined until something was measured. */
  get smoothed(): number | undefined {
    return this.#smoothed;
  }

  get variance(): number {
    return this.#variance;
  }

  /** Lowest RTT of the last 30-60 s. */
  get lowest(): number | undefined {
    const lowest = Math.min(this.#minOld, this.#minNew);
    return Number.isFinite(lowest) ? lowest : this.#smoothed;
  }

  /** Time until an unacknowledged packet is sent again, with exponential backoff. */
  get rto(): number {
    const base =
      this.#smoothed === undefined
        ? INITIAL_RTO
        : Math.max(MIN_RTO, this.#smoothed + Math.max(4 * this.#variance, ACK_DELAY_ALLOWANCE));
    return Math.min(MAX_RTO, base * 2 ** this.#backoff);
  }

  /** Only for packets that were sent once (Karn). */
  sample(rtt: number, now: number): void {
    const value = Math.min(MAX_SAMPLE, Math.max(0, rtt));
    this.#backoff = 0;
    if (now - this.#minSince > MIN_RTT_SPAN) {
      this.#minOld = this.#minNew;
      this.#minNew = value;
      this.#minSince = now;
    } else {
      this.#minNew = Math.min(this.#minNew, value);
    }
    if (this.#smoothed === undefined) {
      this.#smoothed = value;
      this.#variance = value / 2;
      return;
    }
    this.#variance += (Math.abs(value - this.#smoothed) - this.#variance) * 0.25;
    this.#smoothed += (value - this.#smoothed) * 0.125;
  }

  /** The timer ran out: wait twice as long next time. */
  backOff(): void {
    if (this.#backoff < 8) this.#backoff++;
  }

  /** Something new was acknowledged: the path works. */
  progress(): void {
    this.#backoff = 0;
  }

  /** Tunnels were changed: the old lowest RTT belongs to another path. */
  pathChanged(): void {
    this.#minOld = Number.POSITIVE_INFINITY;
    this.#minNew = Number.POSITIVE_INFINITY;
  }
}
