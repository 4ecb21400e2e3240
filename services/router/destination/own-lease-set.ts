import { equalBytes } from '@allium/common/bytes/compare.ts';
import type { Identity } from '../wire/identity.ts';
import { CRYPTO_TYPE } from '../wire/key-types.ts';
import {
  createLeaseSet2,
  type Lease,
  type LeaseSet2,
  type LeaseSetContent,
  MAX_LEASES,
} from '../wire/lease-set2.ts';
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
  readonly #identity: Identity;
  readonly #published: boolean;
  #leases: readonly Lease[] = [];
  #current: LeaseSet2 | undefined;
  /** what the owner is to make a LeaseSet of */
  #wanted: LeaseSetContent | undefined;
  /** signed since the last publication */
  #fresh = false;
  #lastPublication = Number.NEGATIVE_INFINITY;
  #publishAt = Number.POSITIVE_INFINITY;
  /** of the last `PUBLISH_BURST` publications */
  readonly #times: number[] = [];
  #failures = 0;
  #lastSecond = 0;
  #changes = 0;

  /** `published`: others may find it in the NetDB. Otherwise it only travels inside our messages. */
  constructor(identity: Identity, published: boolean) {
    this.#identity = identity;
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
  }

  /** What the owner has to sign, once, if that is his. */
  takeWanted(): LeaseSetContent | undefined {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    return wanted;
  }

  /** The owner made a LeaseSet. False for one that is not ours, that leads elsewhere, or that is older than the last. */
  signed(leaseSet: LeaseSet2): boolean {
    const { leases, encryptionKeys, published, unpublished } = leaseSet;
    const ours = this.#identity.leaseSetKeys.publicKey;
    const good =
      leaseSet.hash === this.#identity.destination.hash &&
      unpublished !== this.#published &&
      published > (this.#current?.published ?? 0) &&
      encryptionKeys.some(({ type, key }) => type === CRYPTO_TYPE.x25519 && equalBytes(key, ours)) &&
      leases.every((lease) => this.#leases.some((known) => sameLease(lease, known)));
    if (good) this.#renew(leaseSet);
    return good;
  }

  /** What has to be published now, if anything. */
  publication(now: number): LeaseSet2 | undefined {
    if (!this.#published || now < this.#publishAt) return undefined;
    // An unchanged LeaseSet needs a new date, or floodfills take it for the old one.
    if (!this.#fresh) this.#sign(now);
    if (this.#wanted) {
      this.#publishAt = Number.POSITIVE_INFINITY;
      return undefined;
    }
    const leaseSet = this.current(now);
    this.#fresh = false;
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
    const { signer, leaseSetKeys } = this.#identity;
    const encryptionKeys = [{ type: CRYPTO_TYPE.x25519, key: leaseSetKeys.publicKey }];
    const content = { published, expires: ends, leases, unpublished: !this.#published, encryptionKeys };
    if (signer) this.#renew(createLeaseSet2(signer, content));
    else this.#wanted = content;
  }

  #renew(leaseSet: LeaseSet2): void {
    this.#current = leaseSet;
    this.#fresh = true;
    this.#publishAt = Math.min(this.#publishAt, this.#nextFree());
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
      return other && sameLease(lease, other);
    })
  );
}

/** A LeaseSet's dates are in seconds. */
function sameLease(a: Lease, b: Lease): boolean {
  const seconds = Math.floor(a.expires / 1_000) === Math.floor(b.expires / 1_000);
  return a.gateway === b.gateway && a.tunnelId === b.tunnelId && seconds;
}
