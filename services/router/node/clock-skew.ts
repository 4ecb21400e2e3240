import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { RouterHash } from '../wire/hash.ts';

/** Peers whose clocks are remembered. */
const MAX_SAMPLES = 64;
/** Peers that must have spoken before their median counts: one peer alone may be wrong by hours. */
export const MIN_SAMPLES = 5;

/** How far the peers' clocks are from ours: one sample a peer, the median of at least five. */
export class ClockSkew {
  readonly #samples = new BoundedMap<RouterHash, number>(MAX_SAMPLES);

  /** `skew`: the peer's clock minus ours, in ms. */
  add(router: RouterHash, skew: number): void {
    this.#samples.set(router, skew);
  }

  /** After our clock was moved. */
  clear(): void {
    this.#samples.clear();
  }

  get median(): number | undefined {
    if (this.#samples.size < MIN_SAMPLES) return undefined;
    const sorted = [...this.#samples.values()].sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }
}
