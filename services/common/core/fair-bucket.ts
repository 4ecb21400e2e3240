import { BoundedMap } from './bounded-map.ts';

/** Sources told apart; one more takes the place of the one that has been quiet longest. */
const MAX_SOURCES = 64;
/** A source is greedy that took more than this part of a burst faster than this part of the rate. */
const SHARE = 1 / 8;
/** Of a full bucket, what only those may take who are not greedy. */
const RESERVED = 1 / 2;

interface Taken {
  readonly level: number;
  readonly at: number;
}

/**
 * A token bucket that many sources share. Nobody is held back while there is enough; when there is not, whoever takes
 * most waits, and those who take little find the bucket half full.
 */
export class FairBucket {
  /** per ms */
  readonly #rate: number;
  readonly #burst: number;
  readonly #taken = new BoundedMap<number, Taken>(MAX_SOURCES);
  #tokens: number;
  #at = Number.NEGATIVE_INFINITY;

  /** Allows `burst` events at once and `rate` per second in the long run. */
  constructor(rate: number, burst: number) {
    this.#rate = rate / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** `now` in ms; false when the event has to be refused. */
  take(source: number, now: number): boolean {
    // a clock that goes back neither blocks nor fills
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#at) * this.#rate);
    this.#at = now;
    const share = this.#burst * SHARE;
    const level = this.#level(source);
    if (this.#tokens < 1 + (level >= share ? this.#burst * RESERVED : 0)) return false;
    this.#tokens--;
    // what is taken beyond twice the share is forgotten: who stops is like all others within seconds
    this.#taken.set(source, { level: Math.min(2 * share, level + 1), at: this.#at });
    return true;
  }

  #level(source: number): number {
    const taken = this.#taken.get(source);
    return taken ? Math.max(0, taken.level - Math.max(0, this.#at - taken.at) * this.#rate * SHARE) : 0;
  }
}
