import { type RandomBytes, randomBelow } from '@allium/common/core/random.ts';
import { decodeBlocks } from '@allium/router/i2np/blocks.ts';
import { decodeBody } from '@allium/router/i2np/body.ts';
import { I2NP_TYPE, type I2npMessage } from '@allium/router/i2np/message.ts';
import { openForRouter } from '@allium/router/i2np/router-garlic.ts';
import { ProfileTable } from '@allium/router/peers/profile-table.ts';
import { selectHops } from '@allium/router/peers/select.ts';
import { EXPLORATORY, type PoolId } from '@allium/router/tunnel/pool-id.ts';
import { TunnelCore } from '@allium/router/tunnel/tunnel-core.ts';
import type { ChooseHops, HopRequest, TunnelInput, TunnelOutput } from '@allium/router/tunnel/tunnel-io.ts';
import type { RouterHash } from '@allium/router/wire/hash.ts';
import type { RouterInfo } from '@allium/router/wire/router-info.ts';
import { makeRouter, NOW, routerKeys } from '../router/netdb/make.ts';
import { recordedEntropy } from './entropy.ts';

export interface WorldFacts {
  readonly seed: string;
  /** routers that we know of */
  readonly known: number;
  /** part of them, but for neighbours, that answers nobody */
  readonly dead: number;
  /** peers with a session; they always accept */
  readonly neighbours: number;
  /** ms since a router signed its RouterInfo, when the world begins */
  readonly age?: (dead: boolean, random: () => number) => number;
}

/** What the router whose tunnels are built decides with. */
export interface Chooser {
  readonly choose: (request: HopRequest, now: number) => readonly RouterInfo[] | undefined;
  readonly verdict: (
    output: Extract<TunnelOutput, { kind: 'hopResult' | 'buildEnded' }>,
    now: number,
  ) => void;
}

export interface Build {
  readonly pool: PoolId;
  readonly hops: readonly RouterHash[];
  readonly at: number;
  /** undefined while nobody has answered */
  result?: 'accepted' | 'declined' | 'timeout';
}

interface Router {
  readonly seed: string;
  readonly info: RouterInfo;
  /** chance that it takes a tunnel; 0: it answers nobody */
  readonly accepts: number;
  taking?: TunnelCore;
  full?: TunnelCore;
}

interface Event {
  readonly at: number;
  readonly run: () => void;
}

const STAGES = {
  accepted: 'accepted',
  declined: 'declined',
  testPassed: 'tested',
  testFailed: 'testFailed',
} as const;

/** One way between two routers, ms: 120 to 500. */
const LATENCY = 120;
const LATENCY_SPREAD = 380;
/** Of routers that live most take 9 in 10 tunnels and some, that are busy, 1 to 5. */
const BUSY = 0.08;

/**
 * One TunnelCore behind Tor in a world of routers that all are TunnelCores, made when somebody first writes to them.
 * Who is dead stays so, and a busy router declines, or says nothing, as often as it is busy. Virtual time.
 */
export class HopWorld {
  now = NOW;
  readonly me: TunnelCore;
  readonly infos: readonly RouterInfo[];
  readonly neighbours: ReadonlySet<RouterHash>;
  readonly builds: Build[] = [];
  readonly random: RandomBytes;
  readonly #chooser: Chooser;
  readonly #routers = new Map<RouterHash, Router>();
  readonly #local: RouterHash;
  readonly #events: Event[] = [];
  readonly #open: Build[] = [];

  constructor(facts: WorldFacts, chooser: (world: HopWorld) => Chooser) {
    this.random = recordedEntropy(facts.seed);
    const keys = routerKeys('self');
    this.#local = keys.identity.hash;
    const routers = Array.from({ length: facts.known }, (_, i) => this.#makeRouter(i, facts));
    for (const router of routers) this.#routers.set(router.info.hash, router);
    this.infos = routers.map(({ info }) => info);
    this.neighbours = new Set(this.infos.slice(0, facts.neighbours).map(({ hash }) => hash));
    const chooseHops: ChooseHops = (request) => this.#choose(request);
    this.me = new TunnelCore({
      local: this.#local,
      keys: keys.encryption,
      random: this.random,
      acceptTransit: false,
      chooseHops,
    });
    this.#chooser = chooser(this);
  }

  open(pool: PoolId, length: number, quantity: number): void {
    const direction = { length, quantity };
    this.step({ kind: 'createPool', pool, config: { inbound: direction, outbound: direction } });
  }

  step(input: TunnelInput): void {
    this.#take(this.#local, this.me.step(input, this.now));
  }

  run(milliseconds: number): void {
    const until = this.now + milliseconds;
    for (let next = this.#events[0]; next && next.at <= until; next = this.#events[0]) {
      this.#events.shift();
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = until;
  }

  /** Part of the clients' builds that came to something, of those begun between two times (ms since the start). */
  success(from: number, to: number, pools = (id: PoolId): boolean => id !== EXPLORATORY): number {
    const over = this.builds.filter(
      ({ pool, at, result }) => result && pools(pool) && at >= NOW + from && at < NOW + to,
    );
    return over.filter(({ result }) => result === 'accepted').length / over.length;
  }

  chance(): number {
    return randomBelow(this.random, 1_000_000) / 1_000_000;
  }

  #makeRouter(i: number, { seed, dead, neighbours, age }: WorldFacts): Router {
    const gone = i >= neighbours && this.chance() < dead;
    const busy = this.chance() < BUSY;
    const willing = busy ? 0.1 + 0.4 * this.chance() : 0.89 + 0.1 * this.chance();
    const born = age ? age(gone, () => this.chance()) : 60_000;
    const name = `world ${seed} ${i}`;
    const host = `${20 + (i >> 8)}.${i & 255}.7.9`;
    const info = makeRouter(name, { host, published: NOW - born });
    return { seed: name, info, accepts: gone ? 0 : i < neighbours ? 1 : willing };
  }

  #choose(request: HopRequest): readonly { hash: RouterHash; publicKey: Uint8Array }[] | undefined {
    const hops = this.#chooser.choose(request, this.now);
    if (!hops) return undefined;
    const build: Build = { pool: request.pool, hops: hops.map(({ hash }) => hash), at: this.now };
    this.builds.push(build);
    this.#open.push(build);
    return hops.map(({ hash, identity }) => ({ hash, publicKey: identity.publicKey }));
  }

  #take(at: RouterHash, outputs: readonly TunnelOutput[]): void {
    if (at === this.#local) this.#results(outputs);
    for (const output of outputs) {
      switch (output.kind) {
        case 'wake':
          if (at === this.#local) this.#at(output.at, () => this.step({ kind: 'tick' }));
          break;
        case 'toRouter':
          this.#send(at, output.router, output.message);
          break;
        case 'local':
          this.#arrive(output.message, undefined, at);
          break;
        case 'hopResult':
        case 'buildEnded':
          this.#chooser.verdict(output, this.now);
          break;
      }
    }
  }

  /** All hops of a build are told in one go. */
  #results(outputs: readonly TunnelOutput[]): void {
    for (const output of outputs) {
      if (output.kind !== 'buildEnded' || output.answered) continue;
      const index = this.#open.findIndex(({ hops }) => hops.join() === output.hops.join());
      const [build] = index < 0 ? [] : this.#open.splice(index, 1);
      if (build) build.result = 'timeout';
    }
    const verdicts = outputs.flatMap((output) =>
      output.kind === 'hopResult' && /accepted|declined/.test(output.result) ? [output] : [],
    );
    while (verdicts.length > 0) {
      const index = this.#open.findIndex(({ hops }) => hops.every((hash, i) => verdicts[i]?.router === hash));
      const build = this.#open[index];
      if (!build) return;
      const results = verdicts.splice(0, build.hops.length).map(({ result }) => result);
      build.result = results.includes('declined') ? 'declined' : 'accepted';
      this.#open.splice(index, 1);
    }
  }

  #send(from: RouterHash, to: RouterHash, message: I2npMessage): void {
    const delay = LATENCY + randomBelow(this.random, LATENCY_SPREAD);
    const copy = { ...message, payload: Uint8Array.from(message.payload) };
    this.#at(this.now + delay, () => this.#arrive(copy, from, to));
  }

  #arrive(message: I2npMessage, from: RouterHash | undefined, to: RouterHash): void {
    if (to === this.#local) return this.step({ kind: 'message', from: from ?? to, message });
    const router = this.#routers.get(to);
    if (!router || router.accepts === 0) return;
    const body = message.type === I2NP_TYPE.garlic ? decodeBody(message) : undefined;
    if (body?.kind !== 'garlic') return this.#hop(router, { kind: 'message', from, message });
    const payload = openForRouter({ encryption: routerKeys(router.seed).encryption }, body.data);
    for (const block of payload ? decodeBlocks(payload) : []) {
      if (block.kind === 'clove')
        this.#hop(router, { kind: 'message', from: undefined, message: block.clove.message });
    }
  }

  #hop(router: Router, input: Extract<TunnelInput, { kind: 'message' }>): void {
    const asks = input.message.type === I2NP_TYPE.shortTunnelBuild;
    const willing = !asks || this.chance() < router.accepts;
    // half of those that don't accept say so
    if (!willing && this.chance() < 0.5) return;
    router.taking ??= this.#core(router, undefined);
    router.full ??= this.#core(router, 0);
    const core = willing ? router.taking : router.full;
    this.#take(router.info.hash, core.step(input, this.now));
  }

  #core({ seed, info }: Router, limit: number | undefined): TunnelCore {
    return new TunnelCore({
      local: info.hash,
      keys: routerKeys(seed).encryption,
      random: this.random,
      acceptTransit: true,
      chooseHops: () => undefined,
      ...(limit === undefined ? {} : { transitTunnels: limit }),
    });
  }

  #at(at: number, run: () => void): void {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.at ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, { at, run });
  }
}

/** A world whose router chooses as the real one does, with its exploratory pool and `clients` pools of 3 + 3. */
export function openWorld(facts: WorldFacts, clients: number): HopWorld {
  const profiles = new ProfileTable();
  const world = new HopWorld(facts, ({ infos, neighbours, random }) => ({
    choose({ direction, length, exclude, pool, order }, now) {
      const selection = selectHops(
        {
          direction,
          length,
          order,
          purpose: pool === EXPLORATORY ? 'exploratory' : 'client',
          candidates: infos,
          connected: neighbours,
          neighbours,
          firstHops: world.me.neighbours(),
          exclude: new Set(exclude),
          profiles,
          random,
          now,
        },
        { skipIpDiversity: false },
      );
      return selection.kind === 'hops' ? selection.hops : undefined;
    },
    verdict(output, now) {
      if (output.kind === 'hopResult') return profiles.record(output.router, STAGES[output.result], now);
      // neighbours of this world always work
      const far = output.hops.filter((hop) => hop !== output.neighbour);
      if (!output.answered) for (const router of far) profiles.lost(router, far, now);
    },
  }));
  world.open(EXPLORATORY, 2, 2);
  for (let i = 0; i < clients; i++) world.open(1 + i, 3, 3);
  return world;
}
