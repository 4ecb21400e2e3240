import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import { type DestHash, hashBytes, type RouterHash } from '../wire/hash.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import type { Fetches, Reply } from './fetches.ts';
import type { FloodfillChoice } from './floodfill-choice.ts';
import { Lookup, type LookupView, QUERY_TIMEOUT } from './lookup.ts';
import type { LookupFailure, NetDbOutput, Sought } from './netdb-events.ts';
import type { RouterInfoStore } from './store.ts';

/** Lookups under way at once. */
export const MAX_LOOKUPS = 64;
/** Callers that share one lookup. */
export const MAX_CALLERS = 64;
/** Sought and not found lately; more than a page of a browser can name. */
export const MAX_NEGATIVE = 256;
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

/** All open lookups: one per sought hash, whoever asks. */
export class Lookups {
  readonly #modules: LookupModules;
  readonly #open = new Map<string, Lookup>();
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
    const name = nameOf(what, hash);
    const { counters } = this.#modules;
    const running = this.#open.get(name);
    if (running?.callers.has(caller)) return [];
    this.cancel(caller);
    const until = this.#negative.get(name) ?? 0;
    if (until > now && !refresh) {
      counters.add(`lookup-${what}-negative`);
      return [{ kind: 'lookupFailed', caller, reason: 'not-found' }];
    }
    if (running ? running.callers.size >= MAX_CALLERS : this.#open.size >= MAX_LOOKUPS) {
      counters.add(`lookup-${what}-busy`);
      return [{ kind: 'lookupFailed', caller, reason: 'busy' }];
    }
    const lookup = running ?? new Lookup(what, hashBytes(hash), pool, now);
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
    const callers = [...this.#open.values()].flatMap((lookup) => [...lookup.callers]);
    for (const caller of callers) if (caller.startsWith(`${pool}/`)) this.cancel(caller);
  }

  /** An entry was stored: whoever looks for it has it. `query` as in the input. */
  found(entry: Found, query: number | undefined, now: number): NetDbOutput[] {
    const hash = entry.what === 'routerInfo' ? entry.routerInfo.hash : entry.leaseSet.hash;
    const name = nameOf(entry.what, hash);
    this.#negative.delete(name);
    const lookup = this.#open.get(name);
    if (!lookup) return entry.what === 'routerInfo' ? this.#leadArrived(now) : [];
    this.#open.delete(name);
    this.#credit(lookup, query);
    this.#modules.counters.add(`lookup-${entry.what}-found`);
    const outputs = [...lookup.callers].map((caller): NetDbOutput => foundOutput(caller, entry));
    return entry.what === 'routerInfo' ? [...outputs, ...this.#leadArrived(now)] : outputs;
  }

  /** Returns undefined when the reply answers no query of ours. */
  replied(reply: Reply, now: number): NetDbOutput[] | undefined {
    for (const what of ['leaseSet', 'routerInfo'] as const) {
      const name = nameOf(what, reply.key);
      const lookup = this.#open.get(name);
      const id = lookup && (reply.query ?? lookup.queryTo(reply.from));
      if (!lookup || id === undefined) continue;
      const unknown = lookup.replied(id, reply.named, this.#view(lookup, now));
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

function nameOf(what: Sought, hash: string): string {
  return `${what}/${hash}`;
}

function foundOutput(caller: string, entry: Found): NetDbOutput {
  return entry.what === 'routerInfo'
    ? { kind: 'foundRouterInfo', caller, routerInfo: entry.routerInfo }
    : { kind: 'foundLeaseSet', caller, leaseSet: entry.leaseSet };
}
