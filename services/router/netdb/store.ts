import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { hashBytes, type RouterHash } from '../wire/hash.ts';
import { isFloodfill, isReachable } from '../wire/router-caps.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { closest } from './routing-key.ts';
import {
  MAX_ROUTER_INFO_AGE,
  type NetDbRules,
  type RouterInfoRefusal,
  refuseRouterInfo,
} from './validate.ts';

/** RouterInfos kept, about 1.5 kB each: enough to see the whole neighbourhood, 10 MB in all. */
export const MAX_ROUTER_INFOS = 5_000;
/** When full, the least useful of so many of the longest unrefreshed entries makes room. */
const EVICTION_SAMPLE = 16;

const HOUR = 3_600_000;
/** Below this many RouterInfos nothing expires: an old peer is better than none (Network Database, "Expiration"). */
export const KEEP_ALWAYS = 25;
/** No expiry in the first hour (ms) of running: what was read from disk is old but may still be right. */
export const EXPIRY_GRACE = HOUR;
/** Age limits by number of entries: 72 h up to 120, 27 h from 300 on, in between by proportion. */
const FEW = 120;
const MANY = 300;
const MANY_AGE = 27 * HOUR;

export type AddResult =
  | { readonly kind: 'added' | 'updated' | 'same' | 'older' }
  | { readonly kind: 'refused'; readonly reason: RouterInfoRefusal };

interface Entry {
  readonly key: Uint8Array;
  readonly info: RouterInfo;
  readonly floodfill: boolean;
}

/** All RouterInfos that we know. Newer replaces older, never the other way; both maps are bounded. */
export class RouterInfoStore {
  readonly #rules: NetDbRules;
  readonly #entries: BoundedMap<RouterHash, Entry>;
  /** the floodfills among them, apart because every lookup goes through all of them */
  readonly #floodfills = new Map<RouterHash, Entry>();
  readonly #dirty = new Map<RouterHash, RouterInfo | undefined>();
  #pinned: ReadonlySet<RouterHash> = new Set();

  constructor(rules: NetDbRules, limit = MAX_ROUTER_INFOS) {
    this.#rules = rules;
    this.#entries = new BoundedMap(limit, (hash) => this.#gone(hash));
  }

  get size(): number {
    return this.#entries.size;
  }

  get floodfillCount(): number {
    return this.#floodfills.size;
  }

  get(hash: RouterHash): RouterInfo | undefined {
    return this.#entries.get(hash)?.info;
  }

  /** In order of their last change, oldest first. */
  *all(): IterableIterator<RouterInfo> {
    for (const { info } of this.#entries.values()) yield info;
  }

  /** Entries that must not make room for others, e.g. connected peers. */
  pin(hashes: ReadonlySet<RouterHash>): void {
    this.#pinned = hashes;
  }

  /** `stored`: the RouterInfo comes from our own disk, need not be written again and was not changed now. */
  add(info: RouterInfo, now: number, maxAge = MAX_ROUTER_INFO_AGE, stored = false): AddResult {
    const reason = refuseRouterInfo(info, this.#rules, now, maxAge);
    if (reason) return { kind: 'refused', reason };
    const known = this.#entries.get(info.hash);
    if (known && info.published <= known.info.published) {
      return { kind: info.published === known.info.published ? 'same' : 'older' };
    }
    if (!known && this.#entries.size >= this.#entries.limit) this.#makeRoom();
    const entry = { key: known?.key ?? hashBytes(info.hash), info, floodfill: isFloodfill(info) };
    this.#entries.set(info.hash, entry);
    if (entry.floodfill) this.#floodfills.set(info.hash, entry);
    else this.#floodfills.delete(info.hash);
    if (!stored) this.#dirty.set(info.hash, info);
    return { kind: known ? 'updated' : 'added' };
  }

  remove(hash: RouterHash): boolean {
    if (!this.#entries.delete(hash)) return false;
    this.#gone(hash);
    return true;
  }

  /** Drops what is too old; `uptime` in ms. Returns how many. */
  expire(now: number, uptime: number): number {
    if (uptime < EXPIRY_GRACE) return 0;
    let spare = this.#entries.size - KEEP_ALWAYS;
    if (spare <= 0) return 0;
    const oldest = now - maxAgeFor(this.#entries.size);
    return this.#entries.prune(({ info }) => {
      if (info.published >= oldest || spare <= 0 || this.#pinned.has(info.hash)) return false;
      spare--;
      this.#gone(info.hash);
      return true;
    });
  }

  /** The `count` floodfills nearest to a routing key of which `accept` is true. */
  nearestFloodfills(key: Uint8Array, count: number, accept: (info: RouterInfo) => boolean): RouterInfo[] {
    return nearest(key, count, this.#floodfills.values(), accept);
  }

  /** The `count` routers that are no floodfills nearest to a key, for exploratory lookups by others. */
  nearestOthers(key: Uint8Array, count: number, accept: (info: RouterInfo) => boolean): RouterInfo[] {
    return nearest(
      key,
      count,
      this.#entries.values(),
      (info) => !this.#floodfills.has(info.hash) && accept(info),
    );
  }

  /** What changed since the last call: a RouterInfo to write, or undefined to delete the row. */
  takeDirty(): [RouterHash, RouterInfo | undefined][] {
    const changes = [...this.#dirty];
    this.#dirty.clear();
    return changes;
  }

  #gone(hash: RouterHash): void {
    this.#floodfills.delete(hash);
    this.#dirty.set(hash, undefined);
  }

  /** Somebody who floods us with RouterInfos must not push out the peers that we use. */
  #makeRoom(): void {
    let worst: { hash: RouterHash; worth: number } | undefined;
    let seen = 0;
    for (const [hash, { info }] of this.#entries.entries()) {
      if (this.#pinned.has(hash)) continue;
      const worth = info.published + (isReachable(info) ? HOUR * 24 : 0);
      if (!worst || worth < worst.worth) worst = { hash, worth };
      if (++seen >= EVICTION_SAMPLE) break;
    }
    if (worst) this.remove(worst.hash);
  }
}

function maxAgeFor(count: number): number {
  if (count <= FEW) return MAX_ROUTER_INFO_AGE;
  const share = Math.min(1, (count - FEW) / (MANY - FEW));
  return MAX_ROUTER_INFO_AGE - share * (MAX_ROUTER_INFO_AGE - MANY_AGE);
}

function nearest(
  key: Uint8Array,
  count: number,
  entries: Iterable<Entry>,
  accept: (info: RouterInfo) => boolean,
): RouterInfo[] {
  const found = closest(key, accepted(entries, accept), (entry) => entry.key, count);
  return found.map(({ info }) => info);
}

function* accepted(entries: Iterable<Entry>, accept: (info: RouterInfo) => boolean): Generator<Entry> {
  for (const entry of entries) if (accept(entry.info)) yield entry;
}
