import { MAX_RTO } from './rtt.ts';

/** ms; first wait for a probe of a peer that has no room. */
const MIN_PROBE = 1_000;
const GROWTH = 1.5;

/** The persist timer of a choked sender: unchokes may get lost, so now and then a packet asks. Times in ms. */
export class ProbeTimer {
  #delay = MIN_PROBE;
  #at = Number.POSITIVE_INFINITY;

  get running(): boolean {
    return Number.isFinite(this.#at);
  }

  /** When the next probe is due; Infinity while not running. */
  get at(): number {
    return this.#at;
  }

  start(now: number, rto: number): void {
    this.#delay = Math.max(MIN_PROBE, rto);
    this.#at = now + this.#delay;
  }

  /** A probe left: the next one waits longer. */
  again(now: number): void {
    this.#delay = Math.min(MAX_RTO, this.#delay * GROWTH);
    this.#at = now + this.#delay;
  }

  stop(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }
}
