import type { DestinationKeys } from '../wire/destination.ts';
import { createLeaseSet2, type Lease, type LeaseSet2, MAX_LEASES } from '../wire/lease-set2.ts';
import {
  PUBLISH_AGAIN,
  PUBLISH_AGAIN_MAX,
  PUBLISH_BURST,
  PUBLISH_SPACING,
  PUBLISH_WINDOW,
  REPUBLISH_AFTER,
} from './limits.ts';

/** Our LeaseSet: signed anew when the leases change, published (if at all) at a bearable pace. Times in ms. */
export class OwnLeaseSet {
  readonly #keys: DestinationKeys;
  readonly #published: boolean;
  #leases: readonly Lease[] = [];
  #current: LeaseSet2 | undefined;
  #lastPublication = Number.NEGATIVE_INFINITY;
  #publishAt = Number.POSITIVE_INFINITY;
  /** of the last `PUBLISH_BURST` publications */
  readonly #times: number[] = [];
  #failures = 0;
  #lastSecond = 0;
  #changes = 0;

  /** `published`: others may find it in the NetDB. Otherwise it only travels inside our messages. */
  constructor(keys: DestinationKeys, published: boolean) {
    this.#keys = keys;
    this.#published = published;
  }

  /** How often its leases have changed. */
  get changes(): number {
    return this.#changes;
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
    this.#changes++;
    this.#sign(now);
    if (this.#current) this.#publishAt = Math.min(this.#publishAt, this.#nextFree());
  }

  /** What has to be published now, if anything. */
  publication(now: number): LeaseSet2 | undefined {
    if (!this.#published || now < this.#publishAt) return undefined;
    // An unchanged LeaseSet needs a new date, or floodfills take it for the old one.
    if (this.#current && this.#current.published <= this.#lastPublication) this.#sign(now);
    const leaseSet = this.current(now);
    this.#lastPublication = now;
    this.#times.push(now);
    if (this.#times.length > PUBLISH_BURST) this.#times.shift();
    this.#publishAt = leaseSet ? now + REPUBLISH_AFTER : Number.POSITIVE_INFINITY;
    return leaseSet;
  }

  /** What became of the last publication: confirmed or not, as far as the floodfills say. */
  published(confirmed: boolean, now: number): void {
    this.#failures = confirmed ? 0 : this.#failures + 1;
    if (confirmed || !this.#current) return;
    const pause = Math.min(PUBLISH_AGAIN_MAX, PUBLISH_AGAIN * 2 ** (this.#failures - 1));
    this.#publishAt = Math.min(this.#publishAt, Math.max(now + pause, this.#nextFree()));
  }

  /** When a floodfill will pass on the next one. */
  #nextFree(): number {
    const [oldest = Number.NEGATIVE_INFINITY] = this.#times.length < PUBLISH_BURST ? [] : this.#times;
    return Math.max(this.#lastPublication + PUBLISH_SPACING, oldest + PUBLISH_WINDOW);
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
