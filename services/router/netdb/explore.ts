import { toBase64 } from '@allium/common/bytes/text.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { type RandomBytes, randomBelow, shuffled } from '@allium/common/core/random.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import { EXPLORATORY } from '../tunnel/pool-id.ts';
import { hashBytes, type RouterHash } from '../wire/hash.ts';
import { isReachable } from '../wire/router-caps.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import type { Fetches, Reply } from './fetches.ts';
import type { FloodfillChoice } from './floodfill-choice.ts';
import { QUERY_TIMEOUT } from './lookup.ts';
import type { NetDbOutput } from './netdb-events.ts';
import { KEY_LENGTH } from './routing-key.ts';
import type { RouterInfoStore } from './store.ts';

/** Below this many routers we look for more in earnest; i2pd explores below 100 often, then seldom. */
export const FEW_ROUTERS = 100;
/** Above this many exploring stops: more would not make tunnels better. */
export const ENOUGH_ROUTERS = 1_500;
/** Pause (ms) between exploratory lookups while routers are few, and otherwise. */
export const EAGER_INTERVAL = 15_000;
export const CALM_INTERVAL = 90_000;
/** Fruitless explorations lengthen the eager pause up to this many times by two. */
const MAX_DOUBLINGS = 3;
/** A RouterInfo older than this (ms) is asked for again: half of such routers have gone, or signed anew. */
export const REFRESH_AGE = 3 * 3_600_000;
/** And of a router that our tunnels use. */
export const USED_REFRESH_AGE = 3_600_000;
/** Pause (ms) between two refreshes, and the random addition that hides which use brought it. */
export const REFRESH_INTERVAL = 20_000;
const REFRESH_SPREAD = 10_000;
/** Routers in use that wait for it. */
const MAX_USED = 64;
/** New routers taken from one reply. */
const MAX_FROM_REPLY = 16;
/** Entries looked at for one to refresh, oldest change first. */
const REFRESH_SCAN = 512;
/** Refreshes remembered, so that a router that is gone is asked for once per age only. */
const MAX_REFRESHED = 1_024;
/** Routers that answers to lookups of Destinations named, and ms until they are asked for: minutes, and by chance. */
const MAX_HEARD = 64;
const HEARD_DELAY = 60_000;
const HEARD_SPREAD = 240_000;
/** Below this many floodfills every second exploration asks for floodfills instead. */
const FEW_FLOODFILLS = 30;

export interface ExploreModules {
  readonly routers: RouterInfoStore;
  readonly choice: FloodfillChoice;
  readonly fetches: Fetches;
  readonly counters: Counters;
  readonly random: RandomBytes;
  readonly nextId: () => number;
}

/**
 * Learning routers: lookups of random keys, marked exploratory, to the floodfill nearest to the key, which names
 * routers that are no floodfills ("Exploration"). Nobody looks us up, so we hear of peers in no other way.
 */
export class Explorer {
  readonly #modules: ExploreModules;
  readonly #refreshed = new BoundedMap<RouterHash, number>(MAX_REFRESHED);
  /** when to ask for what was heard of, ms */
  readonly #heard = new BoundedMap<RouterHash, number>(MAX_HEARD);
  /** routers that took a tunnel of ours, in that order */
  readonly #used = new BoundedMap<RouterHash, true>(MAX_USED);
  #next = 0;
  #refreshAt = 0;
  #round = 0;
  /** explorations in a row that named nobody new: a small network has no more to show */
  #fruitless = 0;
  #open:
    | { readonly id: number; readonly key: string; readonly to: RouterInfo; readonly until: number }
    | undefined;

  constructor(modules: ExploreModules) {
    this.#modules = modules;
  }

  tick(now: number): NetDbOutput[] {
    const { choice, counters, routers } = this.#modules;
    if (this.#open && now >= this.#open.until) {
      choice.silent(this.#open.to.hash, now);
      counters.add('explore-timeout');
      this.#open = undefined;
    }
    const eager = routers.size < FEW_ROUTERS;
    const named = [...this.#fetchHeard(now), ...(eager ? [] : this.#refresh(now))];
    if (this.#open || now < this.#next) return named;
    const patience = EAGER_INTERVAL * 2 ** Math.min(this.#fruitless, MAX_DOUBLINGS);
    this.#next = now + (eager ? patience : CALM_INTERVAL);
    this.#fruitless++;
    return routers.size < ENOUGH_ROUTERS ? [...named, ...this.#explore(now)] : named;
  }

  replied(reply: Reply, now: number): NetDbOutput[] | undefined {
    const open = this.#open;
    if (!open || open.key !== reply.key) return undefined;
    if (reply.query === undefined ? reply.from !== open.to.hash : reply.query !== open.id) return undefined;
    this.#open = undefined;
    const { choice, counters, fetches, random, routers } = this.#modules;
    choice.answered(open.to.hash);
    counters.add('explore-answered');
    const unknown = reply.named.filter((hash) => !routers.get(hash)).slice(0, MAX_FROM_REPLY);
    counters.add('explore-named', unknown.length);
    if (unknown.length > 0) this.#fruitless = 0;
    return shuffled(random, unknown).flatMap((hash) => fetches.start(hash, open.to, now) ?? []);
  }

  /** The router took a tunnel of ours: it is worth knowing well. */
  used(hash: RouterHash, now: number): void {
    if (this.#ages(hash, USED_REFRESH_AGE, now)) this.#used.set(hash, true);
  }

  /** Others named these. When they are asked for must not tell whose lookup heard of them. */
  heard(hashes: readonly RouterHash[], now: number): void {
    const { random, routers } = this.#modules;
    if (routers.size >= ENOUGH_ROUTERS) return;
    for (const hash of hashes) {
      if (this.#heard.get(hash) !== undefined) continue;
      this.#heard.set(hash, now + HEARD_DELAY + randomBelow(random, HEARD_SPREAD));
    }
  }

  #fetchHeard(now: number): NetDbOutput[] {
    const { choice, fetches, routers } = this.#modules;
    const due = [...this.#heard.entries()].filter(([, at]) => at <= now).map(([hash]) => hash);
    return due.flatMap((hash) => {
      this.#heard.delete(hash);
      const to = routers.get(hash) ? undefined : choice.nearest(hashBytes(hash), now, new Set([hash]));
      return (to && fetches.start(hash, to, now)) ?? [];
    });
  }

  unsent(id: number): boolean {
    if (this.#open?.id !== id) return false;
    this.#open = undefined;
    this.#modules.counters.add('explore-unsent');
    return true;
  }

  wakeAt(): number {
    const refresh = this.#modules.routers.size < FEW_ROUTERS ? Number.POSITIVE_INFINITY : this.#refreshAt;
    return Math.min(this.#open?.until ?? this.#next, refresh, ...this.#heard.values());
  }

  #explore(now: number): NetDbOutput[] {
    const { choice, counters, nextId, random, routers } = this.#modules;
    const key = random(KEY_LENGTH);
    const to = choice.nearest(key, now, new Set<RouterHash>());
    if (!to) return [];
    const id = nextId();
    this.#open = { id, key: toBase64(key), to, until: now + QUERY_TIMEOUT };
    counters.add('explore');
    // an ordinary lookup of a key that nobody has is answered with the floodfills near it
    const floodfills = ++this.#round % 2 === 0 && routers.floodfillCount < FEW_FLOODFILLS;
    const what = floodfills ? 'routerInfo' : 'exploratory';
    return [{ kind: 'query', id, to, pool: EXPLORATORY, what, key, exclude: [] }];
  }

  /** One RouterInfo that grows old: of a router in use, or else of one that a tunnel could use. */
  #refresh(now: number): NetDbOutput[] {
    if (now < this.#refreshAt) return [];
    const { choice, counters, fetches, random } = this.#modules;
    this.#refreshAt = now + REFRESH_INTERVAL + randomBelow(random, REFRESH_SPREAD);
    const hash = this.#agedInUse(now) ?? this.#aged(now);
    const to = hash && choice.nearest(hashBytes(hash), now, new Set([hash]));
    const query = to && fetches.start(hash, to, now);
    if (!query) return [];
    this.#refreshed.set(hash, now);
    counters.add('refresh');
    return [query];
  }

  #agedInUse(now: number): RouterHash | undefined {
    for (const hash of this.#used.keys()) {
      this.#used.delete(hash);
      if (this.#ages(hash, USED_REFRESH_AGE, now)) return hash;
    }
    return undefined;
  }

  #aged(now: number): RouterHash | undefined {
    let scanned = 0;
    for (const info of this.#modules.routers.all()) {
      if (++scanned > REFRESH_SCAN) break;
      if (isReachable(info) && this.#ages(info.hash, REFRESH_AGE, now)) return info.hash;
    }
    return undefined;
  }

  /** Known, older than `age` (ms) and not asked for within that time. */
  #ages(hash: RouterHash, age: number, now: number): boolean {
    const info = this.#modules.routers.get(hash);
    return info !== undefined && Math.max(info.published, this.#refreshed.get(hash) ?? 0) <= now - age;
  }
}
