import { decode, encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import type { RouterHash } from '../wire/hash.ts';
import {
  DECLINED_AS_FAILURE,
  decayed,
  NEW_PROFILE,
  type Profile,
  profileCodec,
  recorded,
  type Stage,
  successRate,
} from './profile.ts';

/** Peers with a profile, about 200 bytes each; as many as the NetDB holds. */
export const MAX_PROFILES = 5_000;
/** A profile without events for so long (ms) says nothing any more. */
export const PROFILE_TTL = 14 * 24 * 3_600_000;

const HASH_TEXT = /^[A-Za-z0-9~-]{43}=$/;

/** The success table of all peers. */
export class ProfileTable {
  readonly counters = new Counters();
  readonly #dirty = new Map<RouterHash, Profile | undefined>();
  readonly #profiles: BoundedMap<RouterHash, Profile>;

  constructor(limit = MAX_PROFILES) {
    this.#profiles = new BoundedMap(limit, (hash) => this.#dirty.set(hash, undefined));
  }

  get size(): number {
    return this.#profiles.size;
  }

  /** `reason`: NTCP2 termination reason of a failed handshake. */
  record(hash: RouterHash, stage: Stage, now: number, reason?: number): void {
    this.#record(hash, stage, now, reason);
  }

  #record(hash: RouterHash, stage: Stage, now: number, reason?: number, weight = 1): void {
    const profile = recorded(this.#profiles.get(hash) ?? NEW_PROFILE, stage, now, reason, weight);
    this.#profiles.set(hash, profile);
    this.#dirty.set(hash, profile);
    this.counters.add(reason === undefined ? stage : `${stage}-${reason & 0xff}`);
  }

  /**
   * A build was lost in which the peer was one of `hops`. The less a hop has shown, the more of the guilt is its: a build
   * with one new hop says next to nothing of the proven ones.
   */
  lost(hash: RouterHash, hops: readonly RouterHash[], now: number): void {
    const doubt = (hop: RouterHash): number => {
      const { accepted, declined, buildTimeout } = this.get(hop, now).counts;
      return 1 - successRate(accepted, declined * DECLINED_AS_FAILURE + buildTimeout, 0.5);
    };
    const all = hops.reduce((sum, hop) => sum + doubt(hop), 0);
    this.#record(hash, 'buildTimeout', now, undefined, all > 0 ? doubt(hash) / all : 1);
  }

  /** As it looks at `now`; an unknown peer has an empty one. */
  get(hash: RouterHash, now: number): Profile {
    return decayed(this.#profiles.get(hash) ?? NEW_PROFILE, now);
  }

  /** Rows of the host's store; damaged, future and forgotten ones are counted and deleted. */
  load(rows: Iterable<{ readonly key: string; readonly value: Uint8Array }>, now: number): void {
    for (const { key, value } of rows) {
      const profile = readRow(key, value);
      const hash = key as RouterHash;
      if (profile && profile.at <= now && profile.at > now - PROFILE_TTL) {
        this.#profiles.set(hash, profile);
        continue;
      }
      this.counters.add(profile ? 'row-outdated' : 'row-damaged');
      this.#dirty.set(hash, undefined);
    }
  }

  /** The clock was moved by so many ms: what was noted by the old one is as old as it was. */
  shift(by: number): void {
    for (const [hash, profile] of [...this.#profiles.entries()]) {
      const moved = { ...profile, at: profile.at + by };
      this.#profiles.set(hash, moved);
      this.#dirty.set(hash, moved);
    }
  }

  /** Forgets peers that had no event for `PROFILE_TTL`. */
  expire(now: number): number {
    return this.#profiles.prune(({ at }, hash) => {
      const old = at <= now - PROFILE_TTL;
      if (old) this.#dirty.set(hash, undefined);
      return old;
    });
  }

  /** Rows to write, or (without value) to delete, since the last call. Not bounded: call it after every step. */
  takeRows(): { readonly key: RouterHash; readonly value?: Uint8Array }[] {
    const rows = [...this.#dirty].map(([key, profile]) =>
      profile ? { key, value: encode(profileCodec, profile) } : { key },
    );
    this.#dirty.clear();
    return rows;
  }
}

function readRow(key: string, value: Uint8Array): Profile | undefined {
  try {
    return HASH_TEXT.test(key) ? decode(profileCodec, value) : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
