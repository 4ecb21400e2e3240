import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { DestHash } from '../wire/hash.ts';
import { MAX_PATHS, PATH_LIFETIME } from './limits.ts';
import type { PathSeed } from './transmitter.ts';

/** Share of a former stream's window that the next one to the same peer starts with (WINDOW_DAMPENING). */
const WINDOW_DAMPENING = 0.75;

/** What finished streams learned of their paths, for the next ones (api/streaming.md, "Control Block Sharing"). */
export class PathMemory {
  readonly #paths = new BoundedMap<DestHash, { readonly seed: PathSeed; readonly until: number }>(MAX_PATHS);

  remember(remote: DestHash, seed: PathSeed, now: number): void {
    this.#paths.set(remote, { seed, until: now + PATH_LIFETIME });
  }

  recall(remote: DestHash, now: number): PathSeed | undefined {
    const known = this.#paths.get(remote);
    if (!known || known.until <= now) return undefined;
    return { ...known.seed, window: Math.floor(known.seed.window * WINDOW_DAMPENING) };
  }
}
