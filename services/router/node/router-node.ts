import type { RandomBytes } from '@allium/common/core/random.ts';
import { Wake } from '@allium/common/core/wake.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import { NetDbCore } from '../netdb/netdb-core.ts';
import { LIVE_FIRST_HOPS } from '../peers/first-hops.ts';
import type { StreamId } from '../streaming/types.ts';
import { EXPLORATORY, type PoolId } from '../tunnel/pool-id.ts';
import { TunnelCore } from '../tunnel/tunnel-core.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import type { RouterKeys } from '../wire/router-keys.ts';
import { ClockSkew } from './clock-skew.ts';
import { Destinations } from './destinations.ts';
import { Dispatch } from './dispatch.ts';
import { blame, culpritOf, Fault } from './fault.ts';
import type { LocalDestination } from './local-destination.ts';
import type { DestinationId, NodeConfig, NodeInput, NodeOutput, StreamDial } from './node-io.ts';
import { OwnRouterInfo } from './own-router-info.ts';
import { Peering, type PeerMemory } from './peering.ts';
import { Queries } from './queries.ts';
import { Sessions } from './sessions.ts';
import { type NodeStatus, nodeStatus } from './status.ts';
import { type Sleeper, Wakes } from './wakes.ts';
import { type Cores, Wiring } from './wiring.ts';

/** Below this many usable routers a reseed is asked for; the least from which tunnels can be built. */
export const RESEED_BELOW = 25;
/** Pause (ms) between two requests for a reseed. */
const RESEED_PAUSE = 60_000;
/** A clock that went back by more (ms) leaves timers, tunnels and sessions of a time that is not any more. */
const BACK_TOLERANCE = 30_000;
/** A correction up to this (ms) is the time's running after the peers': nothing that waits takes notice. */
const SLEWED = 1_000;

/**
 * A whole router without I/O: joins the cores and routes what each of them outputs. The caller feeds inputs with the
 * network time and carries out the outputs in their order.
 */
export class RouterNode {
  readonly #config: NodeConfig;
  readonly #random: RandomBytes;
  readonly #own: OwnRouterInfo;
  readonly #keys: RouterKeys;
  #cores: Cores;
  readonly #routes: Wiring;
  readonly #skew = new ClockSkew();
  readonly #wakes = new Wakes();
  readonly #counters = new Counters();
  readonly #destinations = new Destinations(() => ({
    random: this.#random,
    routes: this.#routes,
    wakes: this.#wakes,
    counters: this.#counters,
    dispatch: this.#cores.dispatch,
  }));
  #outputs: NodeOutput[] = [];
  #reseedAt = 0;
  #lastLink = 0;
  readonly #wake = new Wake();
  #now = 0;

  constructor(config: NodeConfig, keys: RouterKeys, random: RandomBytes) {
    this.#config = config;
    this.#random = random;
    this.#own = new OwnRouterInfo(keys, config);
    this.#routes = new Wiring({
      cores: () => this.#cores,
      destinations: this.#destinations,
      wakes: this.#wakes,
      counters: this.#counters,
      skew: this.#skew,
      emit: (output) => void this.#outputs.push(output),
      plan: (now) => this.#plan(now),
    });
    this.#keys = keys;
    this.#cores = this.#makeCores();
  }

  /** @param memory what is known of peers already */
  #makeCores(memory?: PeerMemory): Cores {
    const [keys, config, random, routes] = [this.#keys, this.#config, this.#random, this.#routes];
    const own = (): RouterInfo => this.#own.at(this.#now);
    const self = keys.identity.hash;
    const transit = config.listen !== undefined;
    const floodfill = config.listen?.floodfill ?? false;
    const netdb = new NetDbCore({
      ...config,
      self,
      random,
      floodfill,
      publishRouterInfo: transit,
      ownRouterInfo: own,
    });
    const firstHops = (): ReadonlyMap<RouterHash, number> => routes.neighbours;
    const pools = (): ReadonlySet<PoolId> => new Set(this.#destinations.all.keys());
    const { routers } = netdb;
    const peering = new Peering({ config, self, random, routers, firstHops, pools }, memory);
    const sessions: Sessions = new Sessions({
      ntcp2: { local: keys, localRouterInfo: own, netId: config.netId, random },
      dialOf: (router) => peering.dialOf(router),
      nextLink: () => ++this.#lastLink,
      emit: (output) => routes.emit(output),
      keepAlive: (router) =>
        routes.neighbours.has(router) ||
        peering.isFirstHop(router) ||
        sessions.connected().length <= LIVE_FIRST_HOPS,
    });
    const tunnel = new TunnelCore({
      local: self,
      keys: keys.encryption,
      random,
      chooseHops: (request) => peering.chooseHops(request, sessions, this.#now),
      acceptTransit: transit,
    });
    const holder = (pool: PoolId): LocalDestination | undefined => this.#destinations.get(pool);
    const queries = new Queries({ routes, random, tunnel, self, holder });
    const dispatch = new Dispatch({ routes, queries, keys, transit, floodfill });
    return { netdb, tunnel, sessions, peering, queries, dispatch };
  }

  get hash(): RouterHash {
    return this.#own.at(this.#now).hash;
  }

  /** Peers' clocks minus ours in ms, once enough peers agree. */
  get clockSkew(): number | undefined {
    return this.#skew.agreed(this.#now);
  }

  step(input: NodeInput, now: number): NodeOutput[] {
    this.#now = now;
    if (input.kind === 'tick') this.#wake.spent();
    this.#guard(now, () => blame(culpritOf(input), () => this.#apply(input, now)));
    return this.#finish(now);
  }

  /** What a core throws costs whoever brought it, and the process never. */
  #guard(now: number, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#pay(error, now);
      // Wakes that were asked for on the way may be lost: everybody asks anew.
      for (const kind of ['netdb', 'tunnel', 'plan'] as const) this.#wakes.ask({ kind }, now);
      for (const id of this.#cores.sessions.links()) this.#wakes.ask({ kind: 'link', id }, now);
      for (const id of this.#destinations.all.keys()) this.#wakes.ask({ kind: 'destination', id }, now);
    }
  }

  #pay({ culprit, cause }: Fault, now: number): void {
    this.#counters.add(`fault-${culprit.kind}`);
    this.#outputs.push({ kind: 'fault', culprit: culprit.kind, error: cause });
    if (culprit.kind === 'link') this.#routes.sessions(this.#cores.sessions.discard(culprit.link), now);
    else if (culprit.kind === 'destination') this.#destinations.take(culprit.destination, now)();
  }

  /** Opens a stream from a local Destination; the ID is known at once, `opened` or `refused` follows. */
  connect(
    destination: DestinationId,
    to: StreamDial,
    now: number,
  ): { readonly stream: StreamId; readonly outputs: NodeOutput[] } {
    this.#now = now;
    const local = this.#destinations.get(destination);
    if (!local) throw new RangeError(`no Destination ${destination}`);
    let stream: StreamId = 0;
    this.#guard(now, () => {
      stream = local.connect(to, now);
    });
    return { stream, outputs: this.#finish(now) };
  }

  status(): NodeStatus {
    return nodeStatus({
      ...this.#cores,
      destinations: this.#destinations,
      counters: { node: this.#counters, messages: this.#cores.dispatch.counters },
      clockSkew: this.#skew.agreed(this.#now),
    });
  }

  #apply(input: NodeInput, now: number): void {
    switch (input.kind) {
      case 'start':
        return this.#start(input, now);
      case 'reseeded':
        for (const routerInfo of input.routerInfos) this.#routes.netdb({ kind: 'add', routerInfo }, now);
        return this.#plan(now);
      case 'dialed':
      case 'dialFailed':
      case 'accepted':
      case 'bytes':
      case 'blocked':
      case 'drained':
      case 'closed':
        return this.#routes.sessions(this.#cores.sessions.step(input, now), now);
      case 'openDestination':
        return this.#destinations.open(input.destination, input.options, now);
      case 'closeDestination':
        return this.#destinations.close(input.destination, now);
      case 'stream':
        return this.#destinations.get(input.destination)?.stream(input.command, now);
      case 'leaseSetSigned':
        return this.#destinations.get(input.destination)?.leaseSetSigned(input.leaseSet, now);
      case 'clockMoved':
        this.#skew.clear();
        return this.#clockMoved(input.by, now);
      case 'clockCorrected':
        this.#skew.moved(input.by);
        return Math.abs(input.by) > SLEWED ? this.#clockMoved(input.by, now) : undefined;
      case 'stop':
        return this.#routes.sessions(this.#cores.sessions.terminate(now), now);
      case 'tick':
        return this.#tick(now);
    }
  }

  #start({ routerInfos, ...rows }: Extract<NodeInput, { kind: 'start' }>, now: number): void {
    this.#routes.netdb({ kind: 'load', rows: routerInfos }, now);
    this.#cores.peering.load(rows, now);
    const { exploratory: inbound, exploratory: outbound } = this.#config;
    this.#routes.tunnel({ kind: 'createPool', pool: EXPLORATORY, config: { inbound, outbound } }, now);
    if (this.#config.listen) {
      this.#routes.netdb({ kind: 'publishRouter', routerInfo: this.#own.at(now) }, now);
    }
    this.#plan(now);
  }

  /** Everything that waits does so by the old clock, for minutes too long if that was ahead. */
  #clockMoved(by: number, now: number): void {
    if (by < -BACK_TOLERANCE) return this.#startAnew(by, now);
    const { sessions, peering } = this.#cores;
    this.#routes.sessions(sessions.giveUpDialing(now), now);
    peering.clockMoved(by);
    this.#reseedAt = 0;
    this.#wake.spent();
    this.#wakes.hurry(now);
    this.#plan(now);
  }

  /**
   * After a clock that went back: whoever waits would wait for that long, and peers have dropped what we think alive. All
   * but routers, profiles and Destinations begins again.
   */
  #startAnew(by: number, now: number): void {
    const { sessions, netdb, peering } = this.#cores;
    this.#counters.add('started-anew');
    this.#routes.sessions(sessions.terminate(now), now);
    const reopen = [...this.#destinations.all.keys()].map((id) => this.#destinations.take(id, now));
    peering.clockMoved(by);
    this.#wakes.clear();
    this.#wake.spent();
    this.#reseedAt = 0;
    this.#cores = this.#makeCores(peering.memory);
    const routerInfos = [...netdb.routers.all()].map(({ hash, raw }) => ({ key: hash, value: raw }));
    this.#start({ kind: 'start', routerInfos, profiles: [], firstHops: [] }, now);
    for (const open of reopen) open();
  }

  #tick(now: number): void {
    for (const who of this.#wakes.due(now)) {
      this.#guard(now, () => blame({ kind: 'core' }, () => this.#tickOne(who, now)));
    }
  }

  #tickOne(who: Sleeper, now: number): void {
    switch (who.kind) {
      case 'netdb':
        return this.#routes.netdb({ kind: 'tick' }, now);
      case 'tunnel':
        return this.#routes.tunnel({ kind: 'tick' }, now);
      case 'plan':
        return this.#plan(now);
      case 'link':
        return this.#routes.sessions(this.#cores.sessions.tick(who.id, now), now);
      case 'destination':
        return this.#destinations.get(who.id)?.tick(now);
    }
  }

  /** Opens the sessions that are wanted and asks for a reseed when there is nobody to open one with. */
  #plan(now: number): void {
    for (const router of this.#cores.peering.plan(this.#cores.sessions, now)) {
      this.#routes.sessions(this.#cores.sessions.dial(router, now), now);
    }
    this.#cores.queries.sweep(now);
    this.#cores.netdb.routers.pin(this.#cores.peering.kept(this.#cores.sessions));
    const known = this.#cores.peering.usable();
    const stranded = this.#cores.peering.stranded(now);
    if (stranded || (known < RESEED_BELOW && now >= this.#reseedAt)) {
      this.#reseedAt = now + RESEED_PAUSE;
      this.#outputs.push({ kind: 'needReseed', known, stranded });
    }
    this.#wakes.ask({ kind: 'plan' }, this.#cores.peering.wakeAt(now));
  }

  #finish(now: number): NodeOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    outputs.push(...this.#cores.peering.persist(now));
    // never at once: a core that asks for the past must not keep the node from everything else
    const next = Math.max(now + 1, this.#wakes.next() ?? Number.POSITIVE_INFINITY);
    const at = this.#wake.ask(next, now);
    if (at !== undefined) outputs.push({ kind: 'wake', at });
    return outputs;
  }
}
