import type { DestinationKeys } from '../wire/destination.ts';
import { createLeaseSet2, type Lease, type LeaseSet2, MAX_LEASES } from '../wire/lease-set2.ts';
import { PUBLISH_SPACING, REPUBLISH_AFTER } from './limits.ts';

/** Our LeaseSet: signed anew when the leases change, published (if at all) at a bearable pace. Times in ms. */
export class OwnLeaseSet {
  readonly #keys: DestinationKeys;
  readonly #published: boolean;
  #leases: readonly Lease[] = [];
  #current: LeaseSet2 | undefined;
  #lastPublication = Number.NEGATIVE_INFINITY;
  #publishAt = Number.POSITIVE_INFINITY;
  #lastSecond = 0;

  /** `published`: others may find it in the NetDB. Otherwise it only travels inside our messages. */
  constructor(keys: DestinationKeys, published: boolean) {
    this.#keys = keys;
    this.#published = published;
  }

  /** Undefined while no tunnel leads to us. */
  current(now: number): LeaseSet2 | undefined {
    return this.#current && this.#current.expires > now ? this.#current : undefined;
  }

  /** When `publication` has to be asked again. */
  get wakeAt(): number {
    return this.#published ? this.#publishAt : Number.POSITIVE_INFINITY;
  }

  update(leases: readonly Lease[], now: number): void {
    const alive = leases.filter((lease) => lease.expires > now).sort(longestFirst);
    const usable = alive.slice(0, MAX_LEASES);
    if (sameLeases(usable, this.#leases)) return;
    this.#leases = usable;
    this.#sign(now);
    if (this.#current) this.#publishAt = Math.min(this.#publishAt, this.#lastPublication + PUBLISH_SPACING);
  }

  /** What has to be published now, if anything. */
  publication(now: number): LeaseSet2 | undefined {
    if (!this.#published || now < this.#publishAt) return undefined;
    // An unchanged LeaseSet needs a new date, or floodfills take it for the old one.
    if (this.#current && this.#current.published <= this.#lastPublication) this.#sign(now);
    const leaseSet = this.current(now);
    this.#lastPublication = now;
    this.#publishAt = leaseSet ? now + REPUBLISH_AFTER : Number.POSITIVE_INFINITY;
    return leaseSet;
  }

  #sign(now: number): void {
    const leases = this.#leases.filter((lease) => lease.expires > now);
    if (leases.length === 0) {
      this.#current = undefined;
      this.#leases = [];
      return;
    }
    // One-second resolution: two LeaseSets need different seconds (Common Structures, LeaseSet2).
    const second = Math.max(Math.floor(now / 1_000), this.#lastSecond + 1);
    this.#lastSecond = second;
    const published = second * 1_000;
    const ends = Math.max(published, ...leases.map((lease) => lease.expires));
    this.#current = createLeaseSet2(this.#keys, {
      published,
      expires: ends,
      leases,
      unpublished: !this.#published,
    });
  }
}

function longestFirst(a: Lease, b: Lease): number {
  return b.expires - a.expires || a.tunnelId - b.tunnelId;
}

function sameLeases(a: readonly Lease[], b: readonly Lease[]): boolean {
  return (
    a.length === b.length &&
    a.every((lease, index) => {
      const other = b[index];
      return (
        other &&
        lease.gateway === other.gateway &&
        lease.tunnelId === other.tunnelId &&
        lease.expires === other.expires
      );
    })
  );
}
