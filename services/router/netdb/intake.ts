import { toBase64 } from '@allium/common/bytes/text.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { Counters } from '@allium/common/observe/counters.ts';
import { type DatabaseStore, type StoreEntry, storeOf } from '../i2np/database-store.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import type { UnreadableLeaseSet } from '../wire/unreadable-lease-set.ts';
import type { Fetches } from './fetches.ts';
import { acknowledge, type FloodfillModules } from './floodfill.ts';
import type { Lookups } from './lookups.ts';
import type { NetDbOutput, NetDbQuery } from './netdb-events.ts';
import { hashOf } from './publication.ts';
import type { Publications } from './publish.ts';
import { type LeaseSetRefusal, MAX_ROUTER_INFO_AGE, refuseLeaseSet } from './validate.ts';

/** Entries come late over Tor; they are taken for so long (ms) after the last query. */
const LATE_ANSWER = 60_000;
/** Hashes asked for within that time. */
const MAX_WANTED = 2_000;

export interface Added {
  readonly accepted: boolean;
  /** new or newer */
  readonly news: boolean;
  readonly outputs: NetDbOutput[];
}

export interface IntakeModules extends FloodfillModules {
  readonly isFloodfill: boolean;
  readonly lookups: Lookups;
  readonly publications: Publications;
  readonly fetches: Fetches;
  readonly counters: Counters;
}

/** What comes in goes through here: only entries that we asked for, that a peer brings of itself, or all as floodfill. */
export class Intake {
  readonly #modules: IntakeModules;
  /** until when (ms) an entry is welcome, by hash */
  readonly #wanted = new BoundedMap<string, number>(MAX_WANTED);

  constructor(modules: IntakeModules) {
    this.#modules = modules;
  }

  /** The answer of this query may come. */
  expect({ what, key }: NetDbQuery, now: number): void {
    if (what !== 'exploratory') this.#wanted.set(toBase64(key), now + LATE_ANSWER);
  }

  /** A DatabaseStore for us, asked for or not. */
  store(
    store: DatabaseStore,
    from: RouterHash | undefined,
    query: number | undefined,
    now: number,
  ): NetDbOutput[] {
    const { entry } = store;
    const hash = hashOf(entry);
    if (hash === this.#modules.self) return this.#count('store-ourselves');
    // whoever could fill our store unasked would choose our peers
    const asked = this.#modules.isFloodfill || hash === from || (this.#wanted.get(hash) ?? 0) > now;
    if (!asked) return this.#count('store-unasked');
    if (entry.what === 'unreadable') return this.#unreadable(entry.leaseSet, query, now);
    const result =
      entry.what === 'routerInfo'
        ? this.addRouterInfo(entry.routerInfo, now, MAX_ROUTER_INFO_AGE)
        : this.#addLeaseSet(entry.leaseSet, store.reply !== undefined, query, now);
    if (result.accepted) {
      return [...result.outputs, ...this.#acknowledge(storeOf(entry, store.reply), result.news, now)];
    }
    if (query === undefined) return result.outputs;
    return [...result.outputs, ...this.#noGood(hash, query, now)];
  }

  /** Only its owner can end a lookup by it: whoever could forge one would hide the Destination from others. */
  #unreadable(leaseSet: UnreadableLeaseSet, query: number | undefined, now: number): NetDbOutput[] {
    this.#modules.counters.add(`lease-set-unreadable-${leaseSet.type}`);
    if (query === undefined) return [];
    const ended = this.#modules.lookups.unreadable(leaseSet, query, now);
    return ended ?? this.#noGood(leaseSet.hash, query, now);
  }

  /** An answer that is no good is as good as "I don't have it". */
  #noGood(hash: string, query: number, now: number): NetDbOutput[] {
    const reply = { query, key: hash, from: this.#modules.self, named: [] };
    return this.#modules.lookups.replied(reply, now) ?? [];
  }

  #addLeaseSet(leaseSet: LeaseSet2, token: boolean, query: number | undefined, now: number): Added {
    const stored = token || query === undefined;
    // unpublished ones go from client to client only; a floodfill must not keep them
    if (leaseSet.unpublished && stored) return refused(this.#count('store-unpublished'));
    const result = this.#modules.isFloodfill
      ? this.#modules.leaseSets.add(leaseSet, now, stored)
      : judged(leaseSet, now);
    if (result.kind === 'refused') return refused(this.#count(`lease-set-${result.reason}`));
    this.#modules.counters.add(`lease-set-${result.kind}`);
    const outputs = [
      ...this.#modules.lookups.found(leaseSet, query),
      ...this.#modules.publications.arrived({ what: 'leaseSet', leaseSet }, query, now),
    ];
    return { accepted: true, news: result.kind === 'added' || result.kind === 'updated', outputs };
  }

  #acknowledge(store: DatabaseStore<StoreEntry>, news: boolean, now: number): NetDbOutput[] {
    return this.#modules.isFloodfill ? acknowledge(this.#modules, store, news, now) : [];
  }

  addRouterInfo(info: RouterInfo, now: number, maxAge: number): Added {
    if (info.hash === this.#modules.self) return refused([]);
    const result = this.#modules.routers.add(info, now, maxAge);
    if (result.kind === 'refused') return refused(this.#count(`router-info-${result.reason}`));
    this.#modules.counters.add(`router-info-${result.kind}`);
    this.#modules.fetches.arrived(info.hash);
    const routerInfo = this.#modules.routers.get(info.hash) ?? info;
    const first = result.kind === 'added';
    const news = first || result.kind === 'updated';
    return { accepted: true, news, outputs: news ? [{ kind: 'learned', routerInfo, first }] : [] };
  }

  #count(name: string): NetDbOutput[] {
    this.#modules.counters.add(name);
    return [];
  }
}

/** What one Destination was told is kept by it alone: the router has no LeaseSets that another could be given. */
function judged(leaseSet: LeaseSet2, now: number): AddLeaseSet {
  const reason = refuseLeaseSet(leaseSet, now);
  return reason === undefined ? { kind: 'answer' } : { kind: 'refused', reason };
}

type AddLeaseSet =
  | { readonly kind: 'answer' }
  | { readonly kind: 'refused'; readonly reason: LeaseSetRefusal };

function refused(outputs: NetDbOutput[]): Added {
  return { accepted: false, news: false, outputs };
}
