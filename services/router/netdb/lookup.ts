import type { PoolId } from '../tunnel/pool-id.ts';
import { type DestHash, hashBytes, type RouterHash } from '../wire/hash.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import type { LookupFailure } from './netdb-events.ts';

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
/** Pause (ms) after a query could not be sent: tunnels come and go within seconds. */
export const UNSENT_PAUSE = 2_000;

/** The nearest floodfill to the sought key that is not in `exclude`. */
export type Nearest = (exclude: ReadonlySet<RouterHash>) => RouterInfo | undefined;

export type LookupStep =
  /** ask this floodfill for the sought key: `asking` says that it was done */
  | { readonly kind: 'ask'; readonly to: RouterInfo }
  | { readonly kind: 'end'; readonly reason: LookupFailure };

interface Pending {
  readonly to: RouterHash;
  readonly since: number;
}

/**
 * One iterative lookup of a LeaseSet (Network Database, "RouterInfo and LeaseSet Lookup"): ask the nearest floodfill that
 * we know, then the next nearest, until somebody has it. It knows neither store nor network. No reply ends it, so one liar
 * cannot hide a part of the key space; and none leads it: whoever named a router that nobody else knows of would see by
 * whose tunnels it is asked for, and so whose the lookup is.
 */
export class Lookup {
  readonly hash: DestHash;
  readonly key: Uint8Array;
  readonly pool: PoolId;
  readonly started: number;
  /** somebody says that it exists, in a form that we can't read */
  unreadable = false;
  readonly #asked = new Set<RouterHash>();
  /** of all queries, those that nobody waits for any more too */
  readonly #ids = new Set<number>();
  readonly #pending = new Map<number, Pending>();
  #queries = 0;
  #answers = 0;
  #unsent = 0;
  #notBefore = 0;

  constructor(hash: DestHash, pool: PoolId, now: number) {
    this.hash = hash;
    this.key = hashBytes(hash);
    this.pool = pool;
    this.started = now;
  }

  /** The next step, or undefined while there is nothing to do but wait until `wakeAt`. Call until undefined. */
  next(now: number, nearest: Nearest): LookupStep | undefined {
    if (now >= this.started + LOOKUP_TIMEOUT) return this.#end();
    if (!this.#mayAsk(now)) return undefined;
    const to = this.#queries < MAX_QUERIES ? nearest(this.#asked) : undefined;
    if (to) return { kind: 'ask', to };
    return this.#pending.size === 0 ? this.#end() : undefined;
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

  /** A floodfill did not have it: which, undefined when the query was not open. */
  replied(id: number): RouterHash | undefined {
    const query = this.#pending.get(id);
    if (!query) return undefined;
    this.#pending.delete(id);
    this.#answers++;
    return query.to;
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
    return at;
  }

  #mayAsk(now: number): boolean {
    if (now < this.#notBefore || this.#pending.size >= MAX_PARALLEL) return false;
    for (const { since } of this.#pending.values()) if (now < since + HEDGE_AFTER) return false;
    return true;
  }

  #end(): LookupStep {
    if (this.#answers > 0) return { kind: 'end', reason: this.unreadable ? 'unreadable' : 'not-found' };
    if (this.#queries > 0) return { kind: 'end', reason: 'timeout' };
    return { kind: 'end', reason: this.#unsent > 0 ? 'unsent' : 'no-floodfill' };
  }
}
