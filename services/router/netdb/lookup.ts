import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { type DestHash, hashBytes, type RouterHash } from '../wire/hash.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { EXPLORATORY_POOL, type LookupFailure, type Sought } from './netdb-events.ts';

/** Wait for one floodfill, in ms: two Tor circuits and two tunnels lie between (i2pd: 1.6 s). */
export const QUERY_TIMEOUT = 8_000;
/** A lookup in all, in ms: longer than a browser's patience helps nobody. */
export const LOOKUP_TIMEOUT = 28_000;
/** Without an answer for so long (ms) a second floodfill is asked beside the first. */
export const HEDGE_AFTER = 4_000;
/** Queries of one lookup under way at once. */
export const MAX_PARALLEL = 2;
/** Floodfills asked by one lookup; each of them learns what we look for. */
export const MAX_QUERIES = 8;
/** Unknown floodfills that replies named and that we follow, per lookup. */
export const MAX_LEADS = 24;
/** RouterInfos of leads fetched by one lookup. */
export const MAX_LEAD_FETCHES = 6;
/** Pause (ms) after a query could not be sent: tunnels come and go within seconds. */
export const UNSENT_PAUSE = 2_000;

/** How a lookup sees the store. */
export interface LookupView {
  /** the nearest floodfill to the sought key that is not in `exclude` */
  nearest(exclude: ReadonlySet<RouterHash>): RouterInfo | undefined;
  routerInfo(hash: RouterHash): RouterInfo | undefined;
  /** whether `a` is nearer to the sought key than `b` */
  nearer(a: RouterHash, b: RouterHash): boolean;
}

export type LookupStep =
  /** ask this floodfill for the sought key; the answer comes back as `asked(id, …)` */
  | { readonly kind: 'ask'; readonly to: RouterInfo }
  /** ask the floodfill `from` for the RouterInfo of `hash`, which it named */
  | { readonly kind: 'fetch'; readonly hash: RouterHash; readonly from: RouterInfo }
  | { readonly kind: 'end'; readonly reason: LookupFailure };

interface Pending {
  readonly to: RouterHash;
  readonly since: number;
}

/**
 * One iterative lookup (Network Database, "RouterInfo and LeaseSet Lookup"): ask the nearest floodfill, then the
 * next nearest, following those that replies name, until somebody has it. It knows neither store nor network.
 * A reply without nearer floodfills does not end it, so one liar cannot hide a part of the key space.
 */
export class Lookup {
  readonly what: Sought;
  readonly hash: RouterHash | DestHash;
  readonly key: Uint8Array;
  readonly pool: string;
  readonly started: number;
  readonly callers = new Set<string>();
  /** somebody says that it exists, in a form that we can't read */
  unreadable = false;
  readonly #asked = new Set<RouterHash>();
  /** of all queries, those that nobody waits for any more too */
  readonly #ids = new Set<number>();
  readonly #pending = new Map<number, Pending>();
  readonly #leads = new BoundedMap<RouterHash, RouterHash>(MAX_LEADS);
  readonly #fetching = new Map<RouterHash, number>();
  #queries = 0;
  #fetches = 0;
  #answers = 0;
  #unsent = 0;
  #notBefore = 0;

  constructor(what: Sought, hash: RouterHash | DestHash, pool: string, now: number) {
    this.what = what;
    this.hash = hash;
    this.key = hashBytes(hash);
    this.pool = pool;
    this.started = now;
  }

  /** The next step, or undefined while there is nothing to do but wait until `wakeAt`. Call until undefined. */
  next(now: number, view: LookupView): LookupStep | undefined {
    if (now >= this.started + LOOKUP_TIMEOUT) return this.#end();
    if (!this.#mayAsk(now)) return undefined;
    const known = this.#queries < MAX_QUERIES ? view.nearest(this.#asked) : undefined;
    const lead = this.#nearestLead(view, known?.hash);
    if (lead) {
      this.#fetches++;
      this.#leads.delete(lead.hash);
      return { kind: 'fetch', ...lead };
    }
    if (known) return { kind: 'ask', to: known };
    return this.#pending.size === 0 && !this.#waitsForLead(now) ? this.#end() : undefined;
  }

  /** The query `id` went to `to`. */
  asking(id: number, to: RouterHash, now: number): void {
    this.#asked.add(to);
    this.#ids.add(id);
    this.#pending.set(id, { to, since: now });
    this.#queries++;
  }

  /** Whether the query is one of this lookup, late or not. */
  owns(id: number): boolean {
    return this.#ids.has(id);
  }

  /** The RouterInfo of a lead is being fetched until `until`; the lookup stays open for it. */
  fetching(hash: RouterHash, until: number): void {
    this.#fetching.set(hash, until);
  }

  /** Forgets fetches that `open` no longer knows; returns whether there was one, so that `next` may do more. */
  settleLeads(open: (hash: RouterHash) => boolean): boolean {
    let settled = false;
    for (const hash of this.#fetching.keys()) {
      if (!open(hash)) settled = this.#fetching.delete(hash) || settled;
    }
    return settled;
  }

  /**
   * The floodfill of a query did not have it and named others. Returns those that we don't know, undefined when the query
   * was not open. Only a lookup through the exploratory tunnels follows them now: whoever named a router that nobody
   * else knows of would see by whose tunnels it is asked for, and so whose the lookup is.
   */
  replied(id: number, named: readonly RouterHash[], view: LookupView): readonly RouterHash[] | undefined {
    const query = this.#pending.get(id);
    if (!query) return undefined;
    this.#pending.delete(id);
    this.#answers++;
    const unknown = named.filter((hash) => !this.#asked.has(hash) && !view.routerInfo(hash));
    if (this.pool !== EXPLORATORY_POOL) return unknown;
    for (const hash of unknown) this.#leads.set(hash, query.to);
    return [];
  }

  /** The query could not be sent: the floodfill may be asked again, after a pause. */
  unsent(id: number, now: number): boolean {
    const query = this.#pending.get(id);
    if (!query) return false;
    this.#pending.delete(id);
    this.#asked.delete(query.to);
    this.#queries--;
    this.#unsent++;
    this.#notBefore = now + UNSENT_PAUSE;
    return true;
  }

  /** Queries whose time is over, taken out; the floodfills that kept silent. */
  expire(now: number): { readonly id: number; readonly to: RouterHash }[] {
    const silent = [];
    for (const [id, { to, since }] of this.#pending) {
      if (now < since + QUERY_TIMEOUT) continue;
      this.#pending.delete(id);
      silent.push({ id, to });
    }
    return silent;
  }

  /** The open query to `from`, for replies that only name their sender. */
  queryTo(from: RouterHash): number | undefined {
    for (const [id, { to }] of this.#pending) if (to === from) return id;
    return undefined;
  }

  /** Queries under way. */
  *pending(): Generator<{ readonly id: number; readonly to: RouterHash }> {
    for (const [id, { to }] of this.#pending) yield { id, to };
  }

  asked(): Iterable<RouterHash> {
    return this.#asked;
  }

  /** When `next` may have something to do without another event, ms. */
  wakeAt(now: number): number {
    let at = this.started + LOOKUP_TIMEOUT;
    for (const { since } of this.#pending.values()) {
      at = Math.min(at, since + QUERY_TIMEOUT);
      if (since + HEDGE_AFTER > now) at = Math.min(at, since + HEDGE_AFTER);
    }
    if (this.#notBefore > now) at = Math.min(at, this.#notBefore);
    for (const until of this.#fetching.values()) if (until > now) at = Math.min(at, until);
    return at;
  }

  #mayAsk(now: number): boolean {
    if (now < this.#notBefore || this.#pending.size >= MAX_PARALLEL) return false;
    for (const { since } of this.#pending.values()) if (now < since + HEDGE_AFTER) return false;
    return true;
  }

  /** A lead worth fetching: nearer than the nearest floodfill we know, or all that is left. */
  #nearestLead(
    view: LookupView,
    known: RouterHash | undefined,
  ): { hash: RouterHash; from: RouterInfo } | undefined {
    if (this.#fetches >= MAX_LEAD_FETCHES || this.#queries >= MAX_QUERIES) return undefined;
    let best: { hash: RouterHash; from: RouterInfo } | undefined;
    for (const [hash, referrer] of this.#leads.entries()) {
      const from = view.routerInfo(referrer);
      if (!from || view.routerInfo(hash)) {
        this.#leads.delete(hash);
        continue;
      }
      if (known !== undefined && !view.nearer(hash, known)) continue;
      if (!best || view.nearer(hash, best.hash)) best = { hash, from };
    }
    return best;
  }

  #waitsForLead(now: number): boolean {
    for (const until of this.#fetching.values()) if (now < until) return true;
    return false;
  }

  #end(): LookupStep {
    if (this.#answers > 0) return { kind: 'end', reason: this.unreadable ? 'unreadable' : 'not-found' };
    if (this.#queries > 0) return { kind: 'end', reason: 'timeout' };
    return { kind: 'end', reason: this.#unsent > 0 ? 'unsent' : 'no-floodfill' };
  }
}
