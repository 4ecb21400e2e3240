import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import type { PoolId } from '../tunnel/pool-id.ts';
import { type DestHash, hashBytes, type RouterHash } from '../wire/hash.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import type { UnreadableLeaseSet } from '../wire/unreadable-lease-set.ts';
import type { Reply } from './fetches.ts';
import type { FloodfillChoice } from './floodfill-choice.ts';
import { Lookup } from './lookup.ts';
import type { LookupFailure, NetDbOutput } from './netdb-events.ts';
import type { RouterInfoStore } from './store.ts';

/** Lookups under way at once, in all and for one pool: no page that names dead hosts by the dozen makes others wait. */
export const MAX_LOOKUPS = 256;
export const MAX_POOL_LOOKUPS = 32;
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
  readonly counters: Counters;
  readonly nextId: () => number;
  /** routers that were named and that may be asked for later, by nobody's lookup */
  readonly heard: (hashes: readonly RouterHash[], now: number) => void;
}

/**
 * All open lookups: one per pool and sought Destination. What one pool asks and is told, another neither shares nor sees: a
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

  /** One that is open already goes on; `refresh` asks although nobody had it just now. */
  open(hash: DestHash, pool: PoolId, now: number, refresh: boolean): NetDbOutput[] {
    const name = nameOf(pool, hash);
    const { counters } = this.#modules;
    if (this.#open.has(name)) return [];
    const until = this.#negative.get(name) ?? 0;
    if (until > now && !refresh) {
      counters.add('lookup-negative');
      return [{ kind: 'lookupFailed', pool, hash, reason: 'not-found' }];
    }
    if (this.#full(pool)) {
      counters.add('lookup-busy');
      return [{ kind: 'lookupFailed', pool, hash, reason: 'busy' }];
    }
    const lookup = new Lookup(hash, pool, now);
    counters.add('lookup');
    this.#open.set(name, lookup);
    return this.#advance(name, lookup, now);
  }

  /** Takes back all questions of a pool that is gone. */
  cancelPool(pool: PoolId): void {
    for (const [name, lookup] of this.#open) if (lookup.pool === pool) this.#open.delete(name);
    this.#ended.prune((lookup) => lookup.pool === pool);
  }

  #full(pool: PoolId): boolean {
    if (this.#open.size >= MAX_LOOKUPS) return true;
    let own = 0;
    for (const lookup of this.#open.values()) if (lookup.pool === pool) own++;
    return own >= MAX_POOL_LOOKUPS;
  }

  /** A LeaseSet is here: whose query brought it has it; without a query, as at a floodfill, whoever looks for it. */
  found(leaseSet: LeaseSet2, query: number | undefined): NetDbOutput[] {
    const outputs: NetDbOutput[] = [];
    for (const [name, lookup] of this.#open) {
      if (lookup.hash !== leaseSet.hash || (query !== undefined && !lookup.owns(query))) continue;
      this.#negative.delete(name);
      this.#open.delete(name);
      this.#credit(lookup, query);
      this.#modules.counters.add('lookup-found');
      outputs.push({ kind: 'foundLeaseSet', pool: lookup.pool, leaseSet });
    }
    return outputs.length > 0 ? outputs : this.#foundLate(leaseSet, query);
  }

  /** The answer of a query is a LeaseSet that we can't read. undefined: the lookup goes on, for it may be forged. */
  unreadable({ hash, proven }: UnreadableLeaseSet, query: number, now: number): NetDbOutput[] | undefined {
    for (const [name, lookup] of this.#open) {
      if (lookup.hash !== hash || !lookup.owns(query)) continue;
      lookup.unreadable = true;
      if (!proven) return undefined;
      this.#credit(lookup, query);
      this.#open.delete(name);
      return [this.#failed(name, lookup, 'unreadable', now)];
    }
    return undefined;
  }

  #foundLate(leaseSet: LeaseSet2, query: number | undefined): NetDbOutput[] {
    for (const [name, lookup] of this.#ended.entries()) {
      if (query === undefined || lookup.hash !== leaseSet.hash || !lookup.owns(query)) continue;
      this.#ended.delete(name);
      this.#negative.delete(name);
      this.#modules.counters.add('lookup-late');
      return [{ kind: 'foundLeaseSet', pool: lookup.pool, leaseSet }];
    }
    return [];
  }

  /** Returns undefined when the reply answers no query of ours. Unknown routers that it names may be asked for later. */
  replied(reply: Reply, now: number): NetDbOutput[] | undefined {
    const { routers, heard, choice, counters } = this.#modules;
    for (const [name, lookup] of this.#open) {
      if (lookup.hash !== reply.key) continue;
      const id = reply.query ?? lookup.queryTo(reply.from);
      const asked = id === undefined ? undefined : lookup.replied(id);
      if (asked === undefined) continue;
      const unknown = reply.named.filter((hash) => !routers.get(hash));
      heard(unknown, now);
      choice.answered(asked);
      counters.add('query-not-found');
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
    const nearest = (exclude: ReadonlySet<RouterHash>): RouterInfo | undefined =>
      this.#modules.choice.nearest(lookup.key, now, exclude, exclude.size);
    for (let step = lookup.next(now, nearest); step; step = lookup.next(now, nearest)) {
      if (step.kind === 'ask') {
        outputs.push(this.#ask(lookup, step.to, now));
        continue;
      }
      this.#open.delete(name);
      return [...outputs, this.#failed(name, lookup, step.reason, now)];
    }
    return outputs;
  }

  #ask(lookup: Lookup, to: RouterInfo, now: number): NetDbOutput {
    const exclude = [...lookup.asked()].slice(-MAX_EXCLUDED).map(hashBytes);
    const id = this.#modules.nextId();
    lookup.asking(id, to.hash, now);
    this.#modules.counters.add('query');
    return { kind: 'query', id, to, pool: lookup.pool, what: 'leaseSet', key: lookup.key, exclude };
  }

  #failed(name: string, lookup: Lookup, reason: LookupFailure, now: number): NetDbOutput {
    this.#modules.counters.add(`lookup-${reason}`);
    if (reason === 'not-found') this.#negative.set(name, now + NEGATIVE_TTL);
    if (reason === 'timeout') this.#ended.set(name, lookup);
    return { kind: 'lookupFailed', pool: lookup.pool, hash: lookup.hash, reason };
  }

  /** Whom to thank: the query that node names, or the only one that was open. */
  #credit(lookup: Lookup, query: number | undefined): void {
    const open = [...lookup.pending()];
    const one = query === undefined && open.length === 1 ? open[0] : open.find(({ id }) => id === query);
    if (one) this.#modules.choice.answered(one.to);
  }
}

function nameOf(pool: PoolId, hash: DestHash): string {
  return `${pool}/${hash}`;
}
