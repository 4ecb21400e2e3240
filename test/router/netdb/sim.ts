import type { DatabaseLookup } from '../../../services/router/i2np/database-lookup.ts';
import { storeOf } from '../../../services/router/i2np/database-store.ts';
import { NetDbCore } from '../../../services/router/netdb/netdb-core.ts';
import type {
  NetDbInput,
  NetDbOutput,
  NetDbQuery,
  NetDbReply,
} from '../../../services/router/netdb/netdb-events.ts';
import { EXPLORATORY, type PoolId } from '../../../services/router/tunnel/pool-id.ts';
import { hashBytes, type RouterHash } from '../../../services/router/wire/hash.ts';
import type { RouterInfo } from '../../../services/router/wire/router-info.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { makeRouter, NET_ID, NOW } from './make.ts';

/** One way, ms: a tunnel's and Tor's latency. */
const DELAY = 700;

export interface SimRouter {
  readonly info: RouterInfo;
  readonly core: NetDbCore;
  /** all outputs with the time they were made */
  readonly log: { readonly at: number; readonly output: NetDbOutput }[];
  /** gets everything, answers nothing */
  mute: boolean;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** NetDB cores joined by a fixed delay, under virtual time. Queries and stores go straight, without tunnels. */
export class Sim {
  now: number;
  readonly routers = new Map<RouterHash, SimRouter>();
  readonly #events: Event[] = [];
  /** by whose tunnels a confirmation comes */
  readonly #pools = new Map<number, PoolId>();
  #order = 0;

  constructor(now = NOW) {
    this.now = now;
  }

  add(seed: string, options: { floodfill: boolean; explore?: boolean }): SimRouter {
    const info = makeRouter(seed, { caps: options.floodfill ? 'OfR' : 'OR', published: this.now - 60_000 });
    const core = new NetDbCore({
      netId: NET_ID,
      allowPrivateAddresses: false,
      self: info.hash,
      random: recordedEntropy(`sim ${seed}`),
      floodfill: options.floodfill,
      publishRouterInfo: true,
      ownRouterInfo: () => info,
      explore: options.explore ?? false,
    });
    const router: SimRouter = { info, core, log: [], mute: false };
    this.routers.set(info.hash, router);
    return router;
  }

  /** `router` learns these others as from a reseed. */
  introduce(router: SimRouter, others: Iterable<SimRouter>): void {
    for (const { info } of others) this.step(router, { kind: 'add', routerInfo: info });
  }

  step(router: SimRouter, input: NetDbInput): NetDbOutput[] {
    const outputs = router.core.step(input, this.now);
    for (const output of outputs) {
      router.log.push({ at: this.now, output });
      this.#carry(router, output);
    }
    return outputs;
  }

  run(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      this.#events.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#events[0];
      if (!next || next.at > end) break;
      this.#events.shift();
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = end;
  }

  outputs<K extends NetDbOutput['kind']>(router: SimRouter, kind: K): Extract<NetDbOutput, { kind: K }>[] {
    return router.log.flatMap(({ output }) =>
      output.kind === kind ? [output as Extract<NetDbOutput, { kind: K }>] : [],
    );
  }

  #after(ms: number, run: () => void): void {
    this.#events.push({ at: this.now + ms, order: this.#order++, run });
  }

  #carry(from: SimRouter, output: NetDbOutput): void {
    if (output.kind === 'wake') this.#after(output.at - this.now, () => this.step(from, { kind: 'tick' }));
    else if (output.kind === 'query') this.#query(from, output);
    else if (output.kind === 'storeAt') {
      const gateway = hashBytes(from.info.hash);
      this.#pools.set(output.token, output.pool);
      const body = storeOf(output.entry, { token: output.token, tunnelId: 0, gateway });
      this.#deliver(output.to.hash, { kind: 'store', body });
    } else if (output.kind === 'flood') {
      this.#deliver(output.to.hash, { kind: 'store', body: storeOf(output.entry) });
    } else if (output.kind === 'reply' && !from.mute) this.#reply(output);
  }

  #query(from: SimRouter, { key, what, exclude, to }: NetDbQuery): void {
    const asker = hashBytes(from.info.hash);
    const body: DatabaseLookup = { kind: 'databaseLookup', key, from: asker, lookup: what, exclude };
    this.#deliver(to.hash, { kind: 'databaseLookup', body });
  }

  #reply({ body, to }: NetDbReply): void {
    if (body.kind === 'databaseStore') this.#deliver(to, { kind: 'store', body });
    else if (body.kind === 'databaseSearchReply') this.#deliver(to, { kind: 'searchReply', body });
    else {
      const { messageId: token } = body;
      this.#deliver(to, { kind: 'deliveryStatus', token, pool: this.#pools.get(token) ?? EXPLORATORY });
    }
  }

  #deliver(to: RouterHash, input: NetDbInput): void {
    const router = this.routers.get(to);
    if (router) this.#after(DELAY, () => this.step(router, input));
  }
}
