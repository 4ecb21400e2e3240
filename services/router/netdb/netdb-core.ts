import { toBase64 } from '@allium/common/bytes/text.ts';
import { exhaustive } from '@allium/common/core/exhaustive.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { Wake } from '@allium/common/core/wake.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import type { DatabaseSearchReply } from '../i2np/database-search-reply.ts';
import { EXPLORATORY } from '../tunnel/pool-id.ts';
import { type DestHash, type RouterHash, routerHash } from '../wire/hash.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { Explorer } from './explore.ts';
import { Fetches, type Reply } from './fetches.ts';
import { answerLookup, type FloodfillModules } from './floodfill.ts';
import { FloodfillChoice } from './floodfill-choice.ts';
import { Intake } from './intake.ts';
import { LeaseSetStore } from './lease-set-store.ts';
import { loadRows } from './load.ts';
import { Lookups } from './lookups.ts';
import type { NetDbInput, NetDbOutput } from './netdb-events.ts';
import { Publications } from './publish.ts';
import { RouterInfoStore } from './store.ts';
import { MAX_ROUTER_INFO_AGE, MAX_STORED_AGE, type NetDbRules } from './validate.ts';

/** Pause (ms) between looks for entries that expired. */
export const EXPIRE_INTERVAL = 60_000;
/** A LeaseSet with less time (ms) left is asked for anew, as the first answer would come too late. */
const LEASE_SET_MARGIN = 30_000;

/** What does not change while the NetDB lives. */
export interface NetDbConfig extends NetDbRules {
  readonly self: RouterHash;
  readonly random: RandomBytes;
  /** answer lookups and take stores: simulated networks only */
  readonly floodfill: boolean;
  /** publish our own RouterInfo: only with transit or as floodfill */
  readonly publishRouterInfo: boolean;
  readonly ownRouterInfo: () => RouterInfo | undefined;
  /** look for routers when few are known; off in tests of other things */
  readonly explore?: boolean;
}

/** The network database: stores, lookups, publications and exploration behind one `step`. */
export class NetDbCore {
  readonly routers: RouterInfoStore;
  readonly leaseSets = new LeaseSetStore();
  readonly counters = new Counters();
  readonly #config: NetDbConfig;
  readonly #choice: FloodfillChoice;
  readonly #fetches: Fetches;
  readonly #lookups: Lookups;
  readonly #publications: Publications;
  readonly #explorer: Explorer | undefined;
  readonly #floodfill: FloodfillModules;
  readonly #intake: Intake;
  #lastId = 0;
  #started: number | undefined;
  #expireAt = 0;
  readonly #wake = new Wake();

  constructor(config: NetDbConfig) {
    this.#config = config;
    this.routers = new RouterInfoStore(config);
    this.#choice = new FloodfillChoice(this.routers, config.self);
    const nextId = (): number => ++this.#lastId;
    const { routers, counters } = this;
    const choice = this.#choice;
    this.#fetches = new Fetches(choice, counters, nextId);
    const modules = { routers, choice, counters, nextId, fetches: this.#fetches, random: config.random };
    const heard = (hashes: readonly RouterHash[], now: number): void => this.#explorer?.heard(hashes, now);
    this.#lookups = new Lookups({ ...modules, heard });
    this.#publications = new Publications(modules);
    this.#explorer = config.explore === false ? undefined : new Explorer(modules);
    const { self, ownRouterInfo, floodfill: isFloodfill } = config;
    this.#floodfill = { routers, leaseSets: this.leaseSets, self, ownRouterInfo };
    const { lookups, publications } = { lookups: this.#lookups, publications: this.#publications };
    this.#intake = new Intake({ ...modules, ...this.#floodfill, isFloodfill, lookups, publications });
  }

  /** A LeaseSet that is at hand, without asking the network. */
  leaseSet(hash: DestHash, now: number): LeaseSet2 | undefined {
    return this.leaseSets.get(hash, now);
  }

  step(input: NetDbInput, now: number): NetDbOutput[] {
    this.#started ??= now;
    const outputs = this.#handle(input, now);
    for (const output of outputs) if (output.kind === 'query') this.#intake.expect(output, now);
    for (const [key, info] of this.routers.takeDirty()) {
      outputs.push(info ? { kind: 'persist', key, value: info.raw } : { kind: 'forget', key });
    }
    this.#askForWake(outputs, now);
    return outputs;
  }

  #handle(input: NetDbInput, now: number): NetDbOutput[] {
    const { self } = this.#config;
    switch (input.kind) {
      case 'load':
        return loadRows(input.rows, this.routers, self, this.counters, now);
      case 'add':
        return this.#intake.addRouterInfo(input.routerInfo, now, MAX_STORED_AGE).outputs;
      case 'introduced':
        return this.#intake.addRouterInfo(input.routerInfo, now, MAX_ROUTER_INFO_AGE).outputs;
      case 'lookup':
        return this.#lookup(input, now);
      case 'used':
        this.#explorer?.used(input.router, now);
        return [];
      case 'cancelPool':
        this.#lookups.cancelPool(input.pool);
        return [];
      case 'store':
        return this.#intake.store(input.body, input.from, input.query, now);
      case 'searchReply':
        return this.#searchReply(input.body, input.query, now);
      case 'deliveryStatus':
        return this.#publications.confirmed(input.token, input.pool, now) ?? this.#count('status-unasked');
      case 'unsent':
        return this.#unsent(input.id, now);
      case 'databaseLookup':
        if (!this.#config.floodfill) return this.#count('lookup-not-floodfill');
        this.counters.add(`answered-${input.body.lookup}`);
        return [answerLookup(this.#floodfill, input.body, now)];
      case 'publish':
        return this.#publications.start({ what: 'leaseSet', leaseSet: input.leaseSet }, input.pool, now);
      case 'unpublish':
        this.#publications.stop(input.hash);
        return [];
      case 'publishRouter':
        if (!this.#config.publishRouterInfo) return this.#count('publish-router-off');
        return this.#publications.start(
          { what: 'routerInfo', routerInfo: input.routerInfo },
          EXPLORATORY,
          now,
        );
      case 'tick':
        return this.#tick(now);
      default:
        return exhaustive(input);
    }
  }

  #lookup({ hash, pool, refresh }: Extract<NetDbInput, { kind: 'lookup' }>, now: number): NetDbOutput[] {
    const leaseSet = refresh ? undefined : this.leaseSets.get(hash, now + LEASE_SET_MARGIN);
    return leaseSet
      ? [{ kind: 'foundLeaseSet', pool, leaseSet }]
      : this.#lookups.open(hash, pool, now, refresh);
  }

  #searchReply(body: DatabaseSearchReply, query: number | undefined, now: number): NetDbOutput[] {
    const named = body.peers.map(routerHash).filter((hash) => hash !== this.#config.self);
    const reply: Reply = { query, key: toBase64(body.key), from: routerHash(body.from), named };
    const outputs =
      this.#lookups.replied(reply, now) ??
      this.#publications.replied(reply, now) ??
      this.#explorer?.replied(reply, now);
    if (outputs) return outputs;
    return this.#fetches.replied(reply) === undefined ? this.#count('reply-unasked') : [];
  }

  #unsent(id: number, now: number): NetDbOutput[] {
    const outputs = this.#publications.unsent(id, now);
    if (outputs) return outputs;
    if (!this.#lookups.unsent(id, now) && !this.#explorer?.unsent(id)) this.#fetches.unsent(id);
    return [];
  }

  #tick(now: number): NetDbOutput[] {
    this.#wake.spent();
    if (now >= this.#expireAt) {
      this.#expireAt = now + EXPIRE_INTERVAL;
      this.counters.add('router-info-dropped', this.routers.expire(now, now - (this.#started ?? now)));
      this.leaseSets.expire(now);
    }
    this.#fetches.tick(now);
    return [
      ...this.#lookups.tick(now),
      ...this.#publications.tick(now),
      ...(this.#explorer?.tick(now) ?? []),
    ];
  }

  #count(name: string): NetDbOutput[] {
    this.counters.add(name);
    return [];
  }

  #askForWake(outputs: NetDbOutput[], now: number): void {
    const next = Math.max(
      now + 1,
      Math.min(
        this.#expireAt,
        this.#fetches.wakeAt(),
        this.#lookups.wakeAt(now),
        this.#publications.wakeAt(),
        this.#explorer?.wakeAt() ?? Number.POSITIVE_INFINITY,
      ),
    );
    const at = this.#wake.ask(next, now);
    if (at !== undefined) outputs.push({ kind: 'wake', at });
  }
}
