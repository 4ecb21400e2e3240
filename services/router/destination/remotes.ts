import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import type { Share } from '@allium/common/core/shared-limit.ts';
import { type DestHash, hashBytes } from '../wire/hash.ts';
import { CRYPTO_TYPE } from '../wire/key-types.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import { MAX_AHEAD, MAX_DESTINATIONS_PER_KEY, MAX_REMOTES } from './limits.ts';
import { Route } from './route.ts';

/** A Destination that we know a LeaseSet of. */
export interface Remote {
  readonly hash: DestHash;
  readonly hashBytes: Uint8Array;
  leaseSet: LeaseSet2;
  /** its X25519 key (type 4); undefined when it speaks other types only */
  publicKey: Uint8Array | undefined;
  readonly route: Route;
  /** ms; last lookup for a fresh LeaseSet */
  refreshedAt: number;
  /** ms; last message in a session bound to its key */
  heardAt: number;
  /** ms; last time that we doubted that session */
  doubtedAt: number;
  /** messages got lost since it was heard */
  lost: boolean;
}

/** LeaseSets of others, by Destination and by the key that their ratchet sessions are bound to. */
export class Remotes {
  readonly #random: RandomBytes;
  readonly #share: Share;
  readonly #byHash = new BoundedMap<DestHash, Remote>(MAX_REMOTES, (_, remote) => this.#gone(remote));
  readonly #byKey = new Map<string, DestHash[]>();
  #lastWay = 0;

  constructor(random: RandomBytes, share: Share) {
    this.#random = random;
    this.#share = share;
  }

  get size(): number {
    return this.#byHash.size;
  }

  /** Undefined when unknown, or when its LeaseSet has run out. */
  get(hash: DestHash, now: number): Remote | undefined {
    const remote = this.#byHash.get(hash);
    return remote && remote.leaseSet.expires > now ? remote : undefined;
  }

  /** Destinations whose LeaseSet has this X25519 key. */
  withKey(publicKey: Uint8Array): readonly DestHash[] {
    return this.#byKey.get(keyName(publicKey)) ?? [];
  }

  /** A message came in a session bound to its key. */
  heard(hash: DestHash, now: number): void {
    const remote = this.#byHash.get(hash);
    if (!remote) return;
    remote.heardAt = now;
    remote.lost = false;
  }

  /** Those heard since `since` (ms), latest first, at most `limit`. */
  heardSince(since: number, limit: number, now: number): Remote[] {
    return [...this.#byHash.values()]
      .filter(({ heardAt, leaseSet }) => heardAt >= since && leaseSet.expires > now)
      .sort((a, b) => b.heardAt - a.heardAt)
      .slice(0, limit);
  }

  /** Takes a LeaseSet (its signature was checked by the decoder) unless it is old news; true when taken. */
  learn(leaseSet: LeaseSet2, now: number): boolean {
    if (leaseSet.expires <= now || leaseSet.published > now + MAX_AHEAD) return false;
    if (leaseSet.offline && leaseSet.offline.expires <= now) return false;
    const known = this.#byHash.get(leaseSet.hash);
    if (known && known.leaseSet.published >= leaseSet.published) return false;
    const publicKey = supportedKey(leaseSet);
    const { hash } = leaseSet;
    if (known) {
      this.#unbind(known);
      known.leaseSet = leaseSet;
      known.publicKey = publicKey;
      this.#byHash.set(hash, known);
    } else {
      const route = new Route(this.#random, () => ++this.#lastWay);
      const never = Number.NEGATIVE_INFINITY;
      const times = { refreshedAt: never, heardAt: never, doubtedAt: never };
      const remote = { hash, hashBytes: hashBytes(hash), leaseSet, publicKey, route, ...times, lost: false };
      this.#share.add(1);
      this.#byHash.set(hash, remote);
      this.#makeRoom();
    }
    if (publicKey) this.#bind(publicKey, hash);
    return true;
  }

  /** Whose LeaseSet came or was renewed longest ago goes first. */
  #makeRoom(): void {
    for (const [hash, remote] of this.#byHash.entries()) {
      if (!this.#share.over || this.#byHash.size <= 1) return;
      this.#byHash.delete(hash);
      this.#gone(remote);
    }
  }

  #gone(remote: Remote): void {
    this.#share.give(1);
    this.#unbind(remote);
  }

  #bind(publicKey: Uint8Array, hash: DestHash): void {
    const name = keyName(publicKey);
    const owners = this.#byKey.get(name) ?? [];
    if (owners.includes(hash)) return;
    // Past the bound the oldest claim goes: whoever speaks now has just proved the key, or was just looked up.
    this.#byKey.set(name, [...owners, hash].slice(-MAX_DESTINATIONS_PER_KEY));
  }

  #unbind(remote: Remote): void {
    if (!remote.publicKey) return;
    const name = keyName(remote.publicKey);
    const left = (this.#byKey.get(name) ?? []).filter((hash) => hash !== remote.hash);
    if (left.length > 0) this.#byKey.set(name, left);
    else this.#byKey.delete(name);
  }
}

/** The X25519 key among those of a LeaseSet; hybrid types carry more than we speak. */
export function supportedKey(leaseSet: LeaseSet2): Uint8Array | undefined {
  return leaseSet.encryptionKeys.find(({ type }) => type === CRYPTO_TYPE.x25519)?.key;
}

function keyName(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}
