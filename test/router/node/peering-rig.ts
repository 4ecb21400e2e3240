import { RouterInfoStore } from '@allium/router/netdb/store.ts';
import type { NodeOutput, PersistTable } from '@allium/router/node/node-io.ts';
import { Peering } from '@allium/router/node/peering.ts';
import type { SessionEvent } from '@allium/router/node/session-events.ts';
import type { Profile, Stage } from '@allium/router/peers/profile.ts';
import type { RouterHash } from '@allium/router/wire/hash.ts';
import type { RouterInfo } from '@allium/router/wire/router-info.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { makeRouter, NET_ID, NOW, type RouterFacts, routerKeys } from '../netdb/make.ts';
import { Office, Wires } from './session-rig.ts';

export const CONFIG = {
  netId: NET_ID,
  allowPrivateAddresses: false,
  skipIpDiversity: false,
  exploratory: { length: 2, quantity: 2 },
};

type RowOutput = Extract<NodeOutput, { kind: 'persist' | 'forget' }>;

/** Peering of the router `self`, with sessions of its own that are opened as the node would. */
export class Rig {
  readonly info = makeRouter('self');
  readonly self = this.info.hash;
  readonly store = new RouterInfoStore(CONFIG);
  readonly neighbours = new Map<RouterHash, number>();
  readonly pools = new Set([1]);
  readonly peering: Peering;
  readonly office: Office;
  readonly wires = new Wires();
  readonly #seeds = new Map<RouterHash, string>();

  constructor(seed = 'peering') {
    this.peering = new Peering({
      config: CONFIG,
      self: this.self,
      random: recordedEntropy(seed),
      routers: this.store,
      firstHops: () => this.neighbours,
      pools: () => this.pools,
    });
    this.office = new Office(routerKeys('self'), this.info, (router) => this.peering.dialOf(router));
  }

  /** Routers that are known from now on, each in a network of its own. */
  know(count: number, facts: RouterFacts = {}): RouterInfo[] {
    return Array.from({ length: count }, () => {
      const n = this.#seeds.size;
      return this.meet(`peer ${n}`, { host: `${20 + n}.${n}.1.1`, ...facts });
    });
  }

  /** One more router that is known; who has the same seed is the same. */
  meet(seed: string, facts: RouterFacts, info = makeRouter(seed, facts)): RouterInfo {
    this.#seeds.set(info.hash, seed);
    this.store.add(info, NOW);
    return info;
  }

  /** Dials these, whom the lot made first hops before, and they answer. */
  connectPlanned(...peers: readonly RouterInfo[]): void {
    this.plan();
    this.connect(...peers);
    this.plan();
  }

  /** Dials these, and they answer. */
  connect(...peers: readonly RouterInfo[]): void {
    for (const info of peers) {
      const before = this.office.events.length;
      this.office.dial(info.hash, NOW);
      const link = this.office.out('dial').at(-1)?.link ?? -1;
      const keys = routerKeys(this.#seeds.get(info.hash) ?? '');
      this.wires.connect(this.office, link, new Office(keys, info, () => undefined), NOW);
      this.wires.settle(NOW);
      this.hear(this.office.events.slice(before), NOW);
    }
  }

  /** Whom we have dialled answers with a clock that is at `there`. */
  answerLate(info: RouterInfo, there: number): void {
    const link = this.office.out('dial').at(-1)?.link ?? -1;
    const peer = new Office(routerKeys(this.#seeds.get(info.hash) ?? ''), info, () => undefined);
    const far = this.wires.connect(this.office, link, peer, NOW);
    for (const { bytes } of this.office.unsent.splice(0))
      peer.step({ kind: 'bytes', link: far, bytes }, there);
    this.wires.settle(NOW);
    peer.tick(far, there + 10_000);
    this.wires.settle(NOW);
  }

  hear(events: readonly SessionEvent[], now: number): void {
    for (const event of events) {
      if (event.kind === 'up') this.peering.up(event.router, event.incoming, now);
      if (event.kind === 'down') this.peering.down(event.router, event.failure, now, now);
    }
  }

  plan(now = NOW): RouterHash[] {
    return this.peering.plan(this.office.sessions, now);
  }

  /** Stages of a profile that are not zero. */
  counts(router: RouterHash): Partial<Record<Stage, number>> {
    const { counts }: Profile = this.peering.profiles.get(router, NOW);
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  }

  /** What the store is to write, of profiles or of another table. */
  rows(now = NOW, table: PersistTable = 'profile'): RowOutput[] {
    return this.peering
      .persist(now)
      .filter((output): output is RowOutput => 'table' in output && output.table === table);
  }
}
