import { type RandomBytes, shuffled } from '@allium/common/core/random.ts';
import type { RouterHash } from '../wire/hash.ts';

/** First hops of one Destination: fewer would make it stand and fall with one, more would make it meet others'. */
export const MIN_SHARE = 3;
export const MAX_SHARE = 6;
/** Kept for a Destination, with those that are away just now: it gets them again, and not another Destination's. */
export const MAX_KEPT = 12;

/**
 * Which first hops each Destination begins its tunnels at, so that as few Destinations as possible meet at one: who
 * holds a first hop sees when tunnels over it come and go, and what two Destinations do at once.
 */
export class FirstHopShares<Pool> {
  readonly #random: RandomBytes;
  readonly #kept = new Map<Pool, RouterHash[]>();

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  /** Forgets Destinations that are closed. */
  retain(pools: ReadonlySet<Pool>): void {
    for (const pool of this.#kept.keys()) if (!pools.has(pool)) this.#kept.delete(pool);
  }

  /** Those of `available` that are the pool's, where `pools` Destinations share them. */
  of(pool: Pool, available: readonly RouterHash[], pools: number): RouterHash[] {
    const wanted = Math.max(
      MIN_SHARE,
      Math.min(MAX_SHARE, Math.floor(available.length / Math.max(1, pools))),
    );
    const kept = this.#kept.get(pool) ?? [];
    const mine = kept.filter((hash) => available.includes(hash)).slice(0, wanted);
    if (mine.length < wanted) {
      const fresh = this.#leastTaken(available.filter((hash) => !kept.includes(hash)));
      mine.push(...fresh.slice(0, wanted - mine.length));
      const away = kept.filter((hash) => !mine.includes(hash));
      this.#kept.set(pool, [...mine, ...away].slice(0, MAX_KEPT));
    }
    return mine;
  }

  #leastTaken(available: readonly RouterHash[]): RouterHash[] {
    const taken = new Map<RouterHash, number>();
    for (const kept of this.#kept.values())
      for (const hash of kept) taken.set(hash, (taken.get(hash) ?? 0) + 1);
    const of = (hash: RouterHash): number => taken.get(hash) ?? 0;
    return shuffled(this.#random, available).sort((a, b) => of(a) - of(b));
  }
}
