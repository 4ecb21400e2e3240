import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import { type DestHash, hashBytes, type RouterHash } from '../wire/hash.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import type { UnreadableLeaseSet } from '../wire/unreadable-lease-set.ts';
import type { Fetches, Reply } from './fetches.ts';
import type { FloodfillChoice } from './floodfill-choice.ts';
import { Lookup, type LookupView, QUERY_TIMEOUT } from './lookup.ts';
import type { LookupFailure, NetDbOutput, Sought } from './netdb-events.ts';
import type { RouterInfoStore } from './store.ts';

/** Lookups under way at once, in all and for one pool: no page that names dead hosts by the dozen makes others wait. */
export const MAX_LOOKUPS = 256;
export const MAX_POOL_LOOKUPS = 32;
/** Callers that share one lookup. */
export const MAX_CALLERS = 64;
/** Sought and not found lately, by all pools together; more than some pages of browsers can name. */
export const MAX_NEGATIVE = 1_024;
/** Lookups that gave up whose answers are still taken: Tor is slow, and the next try would ask the same again. */
const MAX_ENDED = 64;
/** How long (ms) "not found" is believed: a service that comes up must be seen at the next try of a user. */
export const NEGATIVE_TTL = 15_000;
/** Hashes that a query asks the floodfill not to name again. */
const MAX_EXCLUDED = 16;

export interface LookupModules {
  readonly routers: RouterInfoStore;
  readonly choice: FloodfillChoice;
  readonly fetches: Fetches;
  readonly counters: Counters;
  readonly nextId: () => number;
  /** routers that were named and that may be asked for later, by nobody's lookup */
  readonly heard: (hashes: readonly RouterHash[], now: number) => void;
}

export type Found =
  | { readonly what: 'routerInfo'; readonly routerInfo: RouterInfo }
  | { readonly what: 'leaseSet'; readonly leaseSet: LeaseSet2 };

/**
 * All open lookups: one per pool and sought hash. What one pool asks and is told, another neither shares nor sees: a
 * floodfill or a site could tell by it that both are ours.
 */
export class Lookups {
  readonly #modules: LookupModules;
  readonly #open = new Map<string, Lookup>();
  readonly #ended = new BoundedMap<string, Lookup>(MAX_ENDED);
  readonly #negative = new BoundedMap<string, number>(MAX_NEGATIVE);

  constructor(modules: LookupModules) {
    this.#modules = modules;
  }

  get size(): number {
    return this.#open.size;
  }

  open(
    caller: string,
    what: Sought,
    hash: RouterHash | DestHash,
    pool: string,
    now: number,
    refresh: boolean,
  ): NetDbOutput[] {
    const name = nameOf(pool, what, hash);
    const { counters } = this.#modules;
    const running = this.#open.get(name);
    if (running?.callers.has(caller)) return [];
    this.cancel(caller);
    const until = this.#negative.get(name) ?? 0;
    if (until > now && !refresh) {
      counters.add(`lookup-${what}-negative`);
      return [{ kind: 'lookupFailed', caller, reason: 'not-found' }];
    }
    if (running ? running.callers.size >= MAX_CALLERS : this.#full(pool)) {
      counters.add(`lookup-${what}-busy`);
      return [{ kind: 'lookupFailed', caller, reason: 'busy' }];
    }
    const lookup = running ?? new Lookup(what, hash, pool, now);
    lookup.callers.add(caller);
    if (running) return [];
    counters.add(`lookup-${what}`);
    this.#open.set(name, lookup);
    return this.#advance(name, lookup, now);
  }

  cancel(caller: string): void {
    for (const [name, lookup] of this.#open) {
      if (lookup.callers.delete(caller) && lookup.callers.size === 0) this.#open.delete(name);
    }
  }

  /** Takes back all questions of a pool that is gone. */
  cancelPool(pool: string): void {
    for (const [name, lookup] of this.#open) if (lookup.pool === pool) this.#open.delete(name);
    this.#ended.prune((lookup) => lookup.pool === pool);
  }

  #full(pool: string): boolean {
    if (this.#open.size >= MAX_LOOKUPS) return true;
    let own = 0;
    for (const lookup of this.#open.values()) if (lookup.pool === pool) own++;
    return own >= MAX_POOL_LOOKUPS;
  }

  /** An entry is here: whose query brought it has it; without a query, as at a floodfill, whoever looks for it. */
  found(entry: Found, query: number | undefined, now: number): NetDbOutput[] {
    const hash = entry.what === 'routerInfo' ? entry.routerInfo.hash : entry.leaseSet.hash;
    const outputs: NetDbOutput[] = [];
    for (const [name, lookup] of this.#open) {
      if (lookup.what !== entry.what || lookup.hash !== hash) continue;
      if (entry.what === 'leaseSet' && query !== undefined && !lookup.owns(query)) continue;
      this.#negative.delete(name);
      this.#open.delete(name);
      this.#credit(lookup, query);
      this.#modules.counters.add(`lookup-${entry.what}-found`);
      outputs.push(...[...lookup.callers].map((caller): NetDbOutput => foundOutput(caller, entry)));
    }
    if (entry.what === 'routerInfo') return [...outputs, ...this.#leadArrived(now)];
    return outputs.length > 0 ? outputs : this.#foundLate(entry, query);
  }

  /** The answer of a query is a LeaseSet that we can't read. undefined: the lookup goes on, for it may be forged. */
  unreadable({ hash, proven }: UnreadableLeaseSet, query: number, now: number): NetDbOutput[] | undefined {
    for (const [name, lookup] of this.#open) {
      if (lookup.hash !== hash || lookup.what !== 'leaseSet' || !lookup.owns(query)) continue;
      lookup.unreadable = true;
      if (!proven) return undefined;
      this.#credit(lookup, query);
      this.#open.delete(name);
      return this.#failed(name, lookup, 'unreadable', now);
    }
    return undefined;
  }

  #foundLate(entry: Extract<Found, { what: 'leaseSet' }>, query: number | undefined): NetDbOutput[] {
    for (const [name, lookup] of this.#ended.entries()) {
      if (query === undefined || lookup.hash !== entry.leaseSet.hash || !lookup.owns(query)) continue;
      this.#ended.delete(name);
      this.#negative.delete(name);
      this.#modules.counters.add('lookup-leaseSet-late');
      return [...lookup.callers].map((caller) => foundOutput(caller, entry));
    }
    return [];
  }

  /** Returns undefined when the reply answers no query of ours. */
  replied(reply: Reply, now: number): NetDbOutput[] | undefined {
    for (const [name, lookup] of this.#open) {
      if (lookup.hash !== reply.key) continue;
      const id = reply.query ?? lookup.queryTo(reply.from);
      const unknown = id === undefined ? undefined : lookup.replied(id, reply.named, this.#view(lookup, now));
      if (unknown === undefined) continue;
      this.#modules.heard(unknown, now);
      this.#modules.choice.answered(reply.from);
      this.#modules.counters.add('query-not-found');
      return this.#advance(name, lookup, now);
    }
    return undefined;
  }

  unsent(id: number, now: number): boolean {
    for (const lookup of this.#open.values()) {
      if (!lookup.unsent(id, now)) continue;
      this.#modules.counters.add('query-unsent');
      return true;
    }
    return false;
  }

  /** A RouterInfo that a lookup waited for will not come. */
  leadFailed(now: number): NetDbOutput[] {
    return this.#leadArrived(now);
  }

  tick(now: number): NetDbOutput[] {
    const outputs: NetDbOutput[] = [];
    this.#negative.prune((until) => until <= now);
    for (const [name, lookup] of this.#open) {
      for (const { to } of lookup.expire(now)) {
        this.#modules.choice.silent(to, now);
        this.#modules.counters.add('query-timeout');
      }
      outputs.push(...this.#advance(name, lookup, now));
    }
    return outputs;
  }

  wakeAt(now: number): number {
    let at = Number.POSITIVE_INFINITY;
    for (const lookup of this.#open.values()) at = Math.min(at, lookup.wakeAt(now));
    return at;
  }

  #advance(name: string, lookup: Lookup, now: number): NetDbOutput[] {
    const outputs: NetDbOutput[] = [];
    const view = this.#view(lookup, now);
    for (let step = lookup.next(now, view); step; step = lookup.next(now, view)) {
      switch (step.kind) {
        case 'ask':
          outputs.push(this.#ask(lookup, step.to, now));
          break;
        case 'fetch': {
          const query = this.#modules.fetches.start(step.hash, step.from, now);
          if (query) outputs.push(query);
          if (this.#modules.fetches.has(step.hash)) lookup.fetching(step.hash, now + QUERY_TIMEOUT);
          break;
        }
        case 'end':
          this.#open.delete(name);
          outputs.push(...this.#failed(name, lookup, step.reason, now));
          return outputs;
      }
    }
    return outputs;
  }

  #ask(lookup: Lookup, to: RouterInfo, now: number): NetDbOutput {
    const exclude = [...lookup.asked()].slice(-MAX_EXCLUDED).map(hashBytes);
    const id = this.#modules.nextId();
    lookup.asking(id, to.hash, now);
    this.#modules.counters.add('query');
    return { kind: 'query', id, to, pool: lookup.pool, what: lookup.what, key: lookup.key, exclude };
  }

  #failed(name: string, lookup: Lookup, reason: LookupFailure, now: number): NetDbOutput[] {
    this.#modules.counters.add(`lookup-${lookup.what}-${reason}`);
    if (reason === 'not-found') this.#negative.set(name, now + NEGATIVE_TTL);
    if (reason === 'timeout') this.#ended.set(name, lookup);
    return [...lookup.callers].map((caller) => ({ kind: 'lookupFailed', caller, reason }));
  }

  #leadArrived(now: number): NetDbOutput[] {
    const outputs: NetDbOutput[] = [];
    for (const [name, lookup] of this.#open) {
      if (lookup.settleLeads((hash) => this.#modules.fetches.has(hash))) {
        outputs.push(...this.#advance(name, lookup, now));
      }
    }
    return outputs;
  }

  /** Whom to thank: the query that node names, or the only one that was open. */
  #credit(lookup: Lookup, query: number | undefined): void {
    const open = [...lookup.pending()];
    const one = query === undefined && open.length === 1 ? open[0] : open.find(({ id }) => id === query);
    if (one) this.#modules.choice.answered(one.to);
  }

  #view(lookup: Lookup, now: number): LookupView {
    const { choice, routers } = this.#modules;
    return {
      nearest: (exclude) => choice.nearest(lookup.key, now, exclude, exclude.size),
      routerInfo: (hash) => routers.get(hash),
      nearer: (a, b) => choice.nearer(lookup.key, now, a, b),
    };
  }
}

function nameOf(pool: string, what: Sought, hash: string): string {
  return `${pool}/${what}/${hash}`;
}

function foundOutput(caller: string, entry: Found): NetDbOutput {
  return entry.what === 'routerInfo'
    ? { kind: 'foundRouterInfo', caller, routerInfo: entry.routerInfo }
    : { kind: 'foundLeaseSet', caller, leaseSet: entry.leaseSet };
}
