import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { DestHash } from '../wire/hash.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import { type LeaseSetRefusal, leaseSetEnd, refuseLeaseSet } from './validate.ts';

/** LeaseSets kept, up to 4 kB each. A client needs those of the sites in use; a floodfill of a test network all. */
export const MAX_LEASE_SETS = 1_000;

export type LeaseSetResult =
  | { readonly kind: 'added' | 'updated' | 'same' | 'older' }
  | { readonly kind: 'refused'; readonly reason: LeaseSetRefusal };

interface Entry {
  readonly leaseSet: LeaseSet2;
  /** ms */
  readonly end: number;
  /** somebody stored it at us; what we only looked up must not be given to others (Network Database, "Segmentation") */
  readonly stored: boolean;
}

/** LeaseSets by Destination, at most `limit`; the oldest goes first. */
export class LeaseSetStore {
  readonly #entries: BoundedMap<DestHash, Entry>;

  constructor(limit = MAX_LEASE_SETS) {
    this.#entries = new BoundedMap(limit);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(hash: DestHash, now: number): LeaseSet2 | undefined {
    const entry = this.#entries.get(hash);
    return entry && entry.end > now ? entry.leaseSet : undefined;
  }

  /** What a floodfill may answer with. */
  getStored(hash: DestHash, now: number): LeaseSet2 | undefined {
    return this.#entries.get(hash)?.stored ? this.get(hash, now) : undefined;
  }

  add(leaseSet: LeaseSet2, now: number, stored: boolean): LeaseSetResult {
    const reason = refuseLeaseSet(leaseSet, now);
    if (reason) return { kind: 'refused', reason };
    const known = this.#entries.get(leaseSet.hash);
    if (known && leaseSet.published <= known.leaseSet.published) {
      const same = leaseSet.published === known.leaseSet.published;
      if (same && stored && !known.stored) this.#entries.set(leaseSet.hash, { ...known, stored });
      return { kind: same ? 'same' : 'older' };
    }
    const entry = { leaseSet, end: leaseSetEnd(leaseSet, now), stored: stored || known?.stored === true };
    this.#entries.set(leaseSet.hash, entry);
    return { kind: known ? 'updated' : 'added' };
  }

  expire(now: number): number {
    return this.#entries.prune(({ end }) => end <= now);
  }
}
