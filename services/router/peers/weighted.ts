import { type RandomBytes, randomBelow } from '@allium/common/core/random.ts';

const RESOLUTION = 0x1_0000_0000;

/** One of the items with probability in proportion to its weight; items of weight 0 never. */
export function pickWeighted<T>(
  random: RandomBytes,
  items: readonly T[],
  weightOf: (item: T) => number,
): T | undefined {
  const weights = items.map((item) => Math.max(0, weightOf(item)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) return undefined;
  let left = (randomBelow(random, RESOLUTION) / RESOLUTION) * total;
  let last: T | undefined;
  for (const [i, item] of items.entries()) {
    const weight = weights[i] ?? 0;
    if (weight === 0) continue;
    last = item;
    left -= weight;
    if (left < 0) return item;
  }
  // rounding ate the rest
  return last;
}
