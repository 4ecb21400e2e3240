import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { RouterHash } from '../wire/hash.ts';

/** Builds under way in all pools together, whatever is missing; each is a kilobyte and six X25519. */
export const MAX_CONCURRENT_BUILDS = 24;
/** And as many always may be, or nobody would find out that builds succeed again. */
export const MIN_CONCURRENT_BUILDS = 8;
/** Milliseconds within which all that is missing should stand, if builds go on as they did. */
const FILL_WITHIN = 60_000;
/** Below this part of builds that succeed something is wrong, and more at once would only add to it. */
const HOPELESS = 0.1;
/** What is assumed of builds at the start: part that succeeds, and milliseconds; Tor is slow. */
const FIRST_SUCCESS = 0.4;
const FIRST_DURATION = 15_000;
/** What one build more changes of both. */
const LEARNING = 0.05;
/** Milliseconds between two build messages to the same first hop. i2pd from 2.59 on throttles peers that send many. */
export const FIRST_HOP_INTERVAL = 3000;
/** First hops remembered; entries are stale after `FIRST_HOP_INTERVAL`, so builds per interval bound it already. */
const MAX_FIRST_HOPS = 256;

/** Failed rounds of builds in a row that cost no pause: single hops fail all the time. */
export const FREE_FAILURES = 2;
/** Milliseconds within which failures count as one: builds that were begun together say no more than one of them. */
export const FAILURE_SPACING = 5000;
/** First and longest pause of the exponential backoff, milliseconds. */
export const BACKOFF_START = 2000;
export const BACKOFF_LIMIT = 60_000;
const BACKOFF_GROWTH = 4;

/** Counts builds under way, says how many may be, and spaces the messages to each first hop. */
export class BuildPacer {
  readonly #last = new BoundedMap<RouterHash, number>(MAX_FIRST_HOPS);
  #running = 0;
  #late = 0;
  #success = FIRST_SUCCESS;
  #duration = FIRST_DURATION;

  /**
   * How many more may begin while `wanted` tunnels are missing or under way: as many as it takes to have them soon. Late
   * builds hardly ever come to something, so others take their places.
   */
  free(wanted: number): number {
    const needed = (wanted * this.#duration) / (Math.max(HOPELESS, this.#success) * FILL_WITHIN);
    const limit = this.#success < HOPELESS ? MIN_CONCURRENT_BUILDS : Math.ceil(needed);
    const promising = this.#running - this.#late;
    return Math.min(
      Math.max(MIN_CONCURRENT_BUILDS, limit) - promising,
      MAX_CONCURRENT_BUILDS - this.#running,
    );
  }

  /** `firstHop` gets the build message directly; undefined when it leaves through a tunnel. */
  started(firstHop: RouterHash | undefined, now: number): void {
    this.#running++;
    if (firstHop) this.#last.set(firstHop, now);
  }

  /** One of those under way should have been answered by now. */
  late(): void {
    this.#late++;
  }

  finished(late: boolean): void {
    this.#running--;
    if (late) this.#late--;
  }

  /** What became of a build after so many ms, unless its neighbour went away. */
  learn(succeeded: boolean, took: number): void {
    this.#success += LEARNING * (Number(succeeded) - this.#success);
    this.#duration += LEARNING * (took - this.#duration);
  }

  /** First hops that must not get another build message yet. */
  resting(now: number): RouterHash[] {
    this.#last.prune((at) => now - at >= FIRST_HOP_INTERVAL || at > now);
    return [...this.#last.keys()];
  }

  /** when the next of them may get one again; undefined when none rests */
  nextFree(now: number): number | undefined {
    this.resting(now);
    const oldest = this.#last.values().next();
    return oldest.done ? undefined : oldest.value + FIRST_HOP_INTERVAL;
  }
}

/** Pause between builds of one pool and direction while all of them fail. */
export class Backoff {
  #failures = 0;
  #countedAt = Number.NEGATIVE_INFINITY;
  #failedUntil = Number.NEGATIVE_INFINITY;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  get failures(): number {
    return this.#failures;
  }

  /** no build before this time, milliseconds */
  get retryAt(): number {
    return Math.max(this.#failedUntil, this.#pausedUntil);
  }

  failed(now: number): void {
    if (now >= this.#countedAt && now < this.#countedAt + FAILURE_SPACING) return;
    this.#countedAt = now;
    this.#failures++;
    const over = this.#failures - FREE_FAILURES;
    if (over <= 0) return;
    this.#failedUntil =
      now + Math.min(BACKOFF_LIMIT, BACKOFF_START * BACKOFF_GROWTH ** Math.min(over - 1, 8));
  }

  succeeded(): void {
    this.#failures = 0;
    this.#countedAt = Number.NEGATIVE_INFINITY;
    this.#failedUntil = Number.NEGATIVE_INFINITY;
  }

  /** Something is missing here, which may appear any moment; `resume` ends it. */
  pause(until: number): void {
    this.#pausedUntil = until;
  }

  resume(): void {
    this.#pausedUntil = Number.NEGATIVE_INFINITY;
  }
}
