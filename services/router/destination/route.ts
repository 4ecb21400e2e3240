import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { type RandomBytes, randomBelow } from '@allium/common/core/random.ts';
import type { Lease } from '../wire/lease-set2.ts';
import {
  FAILED_LEASE_TIME,
  LEASE_MARGIN,
  MAX_FAILED_LEASES,
  REFRESH_MARGIN,
  STALL_SPACING,
} from './limits.ts';

/** Which tunnel of a remote we send to. One at a time, so that messages stay in order. Times in ms. */
export class Route {
  readonly #random: RandomBytes;
  /** until when a lease is avoided */
  readonly #failed = new BoundedMap<string, number>(MAX_FAILED_LEASES);
  #current: Lease | undefined;
  readonly #nextWay: () => number;
  #outbound: number;
  #stalls = 0;
  #stalledAt = Number.NEGATIVE_INFINITY;

  /** `nextWay` gives numbers that no other route of the Destination has */
  constructor(random: RandomBytes, nextWay: () => number) {
    this.#random = random;
    this.#nextWay = nextWay;
    this.#outbound = nextWay();
  }

  /** The outbound tunnel that it takes, as long as this number is the same. */
  get outbound(): number {
    return this.#outbound;
  }

  /** Undefined when none of `leases` lasts long enough. */
  choose(leases: readonly Lease[], now: number): Lease | undefined {
    const usable = leases.filter((lease) => lease.expires > now + LEASE_MARGIN);
    const name = this.#current && nameOf(this.#current);
    const current = usable.find((lease) => nameOf(lease) === name);
    if (current && !this.#avoided(current, now)) return current;
    const fresh = usable.filter((lease) => !this.#avoided(lease, now));
    const candidates = fresh.length > 0 ? fresh : usable;
    if (candidates.length === 0) return undefined;
    this.#current = candidates[randomBelow(this.#random, candidates.length)];
    return this.#current;
  }

  /** True when the LeaseSet ought to be looked up again. */
  static agesOut(leases: readonly Lease[], now: number): boolean {
    return leases.every((lease) => lease.expires <= now + REFRESH_MARGIN);
  }

  /** Messages get lost: change our tunnel and the remote's in turn, so that every pair is tried. */
  stalled(now: number): void {
    if (now < this.#stalledAt + STALL_SPACING) return;
    this.#stalledAt = now;
    this.#stalls++;
    if (this.#stalls % 2 === 1) this.#outbound = this.#nextWay();
    else if (this.#current) this.#failed.set(nameOf(this.#current), now + FAILED_LEASE_TIME);
  }

  #avoided(lease: Lease, now: number): boolean {
    return (this.#failed.get(nameOf(lease)) ?? 0) > now;
  }
}

function nameOf(lease: Lease): string {
  return `${lease.gateway}/${lease.tunnelId}`;
}
