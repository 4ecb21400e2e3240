import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { DestHash } from '../wire/hash.ts';
import { Ensemble } from './ensemble.ts';
import { MAX_PATHS, PATH_LIFETIME } from './limits.ts';

/** Share of a former stream's window that the next one to the same peer starts with (WINDOW_DAMPENING). */
const WINDOW_DAMPENING = 0.75;

/** What is known of a path from an earlier stream to the same peer. */
export interface PathSeed {
  /** ms */
  readonly rtt: number;
  /** ms */
  readonly variance: number;
  /** packets */
  readonly window: number;
}

/** What streams learned of their paths, for those beside and after them (Streaming API, "Control Block Sharing"). */
export class PathMemory {
  readonly #seeds = new BoundedMap<DestHash, { readonly seed: PathSeed; readonly until: number }>(MAX_PATHS);
  readonly #ensembles = new BoundedMap<DestHash, Ensemble>(MAX_PATHS);

  remember(remote: DestHash, seed: PathSeed, now: number): void {
    this.#seeds.set(remote, { seed, until: now + PATH_LIFETIME });
  }

  recall(remote: DestHash, now: number): PathSeed | undefined {
    const known = this.#seeds.get(remote);
    if (!known || known.until <= now) return undefined;
    return { ...known.seed, window: Math.floor(known.seed.window * WINDOW_DAMPENING) };
  }

  ensemble(remote: DestHash): Ensemble {
    const ensemble = this.#ensembles.get(remote) ?? new Ensemble();
    this.#ensembles.set(remote, ensemble);
    return ensemble;
  }
}
