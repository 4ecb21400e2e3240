import { sha256 } from '../crypto/hash.ts';

/** Length of every hash and key here, in bytes. */
export const KEY_LENGTH = 32;
const DAY_MS = 86_400_000;

/** The UTC date of `now` (ms) as `yyyymmdd`, the part of the routing key that changes every day. */
export function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10).replaceAll('-', '');
}

/**
 * SHA-256(hash || yyyymmdd): what distance to floodfills is measured with. Never sent.
 * (Network Database, "Kademlia Closeness Metric"; floodfills' own hashes are not transformed.)
 */
export function routingKey(hash: Uint8Array, day: string): Uint8Array {
  if (hash.length !== KEY_LENGTH) throw new RangeError(`hash of ${hash.length} bytes`);
  return sha256(hash, Buffer.from(day, 'latin1'));
}

/**
 * Today's routing key, and the neighbour day's while `now` is within `before` ms ahead of midnight UTC (tomorrow's)
 * or `after` ms behind it (yesterday's).
 */
export function routingKeysAt(hash: Uint8Array, now: number, before: number, after: number): Uint8Array[] {
  const keys = [routingKey(hash, dayOf(now))];
  const inDay = now % DAY_MS;
  if (inDay >= DAY_MS - before) keys.push(routingKey(hash, dayOf(now + before)));
  else if (inDay < after) keys.push(routingKey(hash, dayOf(now - after)));
  return keys;
}

/** Negative if `a` is nearer to `target` than `b` by XOR, positive if farther, 0 if both are the same. */
export function compareDistance(target: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < KEY_LENGTH; i++) {
    const t = target[i] ?? 0;
    const difference = ((a[i] ?? 0) ^ t) - ((b[i] ?? 0) ^ t);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The `count` candidates nearest to `target`, nearest first. One pass with a short sorted list: most candidates are
 * refused by one comparison with the worst kept, so thousands of floodfills cost microseconds.
 */
export function closest<T>(
  target: Uint8Array,
  candidates: Iterable<T>,
  keyOf: (candidate: T) => Uint8Array,
  count: number,
): T[] {
  const kept: { readonly key: Uint8Array; readonly candidate: T }[] = [];
  if (count < 1) return [];
  for (const candidate of candidates) {
    const key = keyOf(candidate);
    const worst = kept[kept.length - 1];
    if (kept.length >= count && worst && compareDistance(target, key, worst.key) >= 0) continue;
    let at = kept.length;
    for (; at > 0; at--) {
      const before = kept[at - 1];
      if (!before || compareDistance(target, key, before.key) >= 0) break;
    }
    kept.splice(at, 0, { key, candidate });
    if (kept.length > count) kept.pop();
  }
  return kept.map(({ candidate }) => candidate);
}
