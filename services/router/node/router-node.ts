import type { RandomBytes } from '@allium/common/core/random.ts';
import { Wake } from '@allium/common/core/wake.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import { NetDbCore } from '../netdb/netdb-core.ts';
import { TARGET_SESSIONS } from '../peers/dial.ts';
import type { StreamId } from '../streaming/types.ts';
import { TunnelCore } from '../tunnel/tunnel-core.ts';
import { EXPLORATORY } from '../tunnel/tunnel-io.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { RouterKeys } from '../wire/router-keys.ts';
import { ClockSkew } from './clock-skew.ts';
import { Dispatch } from './dispatch.ts';
import { LocalDestination } from './local-destination.ts';
import type { DestinationOptions, NodeConfig, NodeInput, NodeOutput, StreamDial } from './node-io.ts';
import { OwnRouterInfo } from './own-router-info.ts';
import { Peering } from './peering.ts';
import { Queries } from './queries.ts';
import { Sessions } from './sessions.ts';
import { type NodeStatus, nodeStatus } from './status.ts';
import { Wakes } from './wakes.ts';
import { type Cores, Wiring } from './wiring.ts';

/** Local Destinations; each has tunnels of its own. */
export const MAX_DESTINATIONS = 64;
/** Below this many usable routers a reseed is asked for; the least from which tunnels can be built. */
export const RESEED_BELOW = 25;
/** Pause (ms) between two requests for a reseed. */
const RESEED_PAUSE = 60_000;

/**
 * A whole router without I/O: joins the cores and routes what each of them outputs. The caller feeds inputs with the
 * network time and carries out the outputs in their order.
 */
export class RouterNode {
  readonly #config: NodeConfig;
  readonly #random: RandomBytes;
  readonly #own: OwnRouterInfo;
  readonly #cores: Cores;
  readonly #routes: Wiring;
  readonly #skew = new ClockSkew();
  readonly #wakes = new Wakes();
  readonly #counters = new Counters();
  readonly #destinations = new Map<string, LocalDestination>();
  #outputs: NodeOutput[] = [];
  #reseedAt = 0;
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
    this.#cores = this.#makeCores(keys);
  }

  #makeCores(keys: RouterKeys): Cores {
    const { config, random, routes, own } = {
      config: this.#config,
      random: this.#random,
      routes: this.#routes,
      own: () => this.#own.at(this.#now),
    };
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
    const { routers } = netdb;
    const peering = new Peering({ config, self, random, routers, firstHops: () => routes.neighbours });
    const sessions: Sessions = new Sessions({
      ntcp2: { local: keys, localRouterInfo: own, netId: config.netId, random },
      dialOf: (router) => peering.dialOf(router),
      emit: (output) => routes.emit(output),
      keepAlive: (router) => routes.neighbours.has(router) || sessions.size <= TARGET_SESSIONS,
    });
    const tunnel = new TunnelCore({
      local: self,
      keys: keys.encryption,
      random,
      chooseHops: (request) => peering.chooseHops(request, sessions, this.#now),
      acceptTransit: transit,
    });
    const holder = (pool: string): LocalDestination | undefined => this.#destinations.get(pool);
    const queries = new Queries({ routes, random, tunnel, self, holder });
    const dispatch = new Dispatch({ routes, queries, keys, transit });
    return { netdb, tunnel, sessions, peering, queries, dispatch };
  }

  get hash(): RouterHash {
    return this.#own.at(this.#now).hash;
  }

  /** Peers' clocks minus ours in ms, once enough peers have spoken. */
  get clockSkew(): number | undefined {
    return this.#skew.median;
  }

  step(input: NodeInput, now: number): NodeOutput[] {
    this.#now = now;
    if (input.kind === 'tick') this.#wake.spent();
    this.#apply(input, now);
    return this.#finish(now);
  }

  /** Opens a stream from a local Destination; the ID is known at once, `opened` or `refused` follows. */
  connect(
    destination: string,
    to: StreamDial,
    now: number,
  ): { readonly stream: StreamId; readonly outputs: NodeOutput[] } {
    this.#now = now;
    const local = this.#destinations.get(destination);
    if (!local) throw new RangeError(`no Destination named ${destination}`);
    const stream = local.connect(to, now);
    return { stream, outputs: this.#finish(now) };
  }

  status(): NodeStatus {
    return nodeStatus({
      ...this.#cores,
      destinations: this.#destinations,
      counters: { node: this.#counters, messages: this.#cores.dispatch.counters },
      clockSkew: this.#skew.median,
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
        return this.#openDestination(input.name, input.options, now);
      case 'closeDestination':
        return this.#closeDestination(input.name, now);
      case 'stream':
        return this.#destinations.get(input.destination)?.stream(input.command, now);
      case 'clockCorrected':
        return this.#clockCorrected(now);
      case 'stop':
        return this.#routes.sessions(this.#cores.sessions.terminate(now), now);
      case 'tick':
        return this.#tick(now);
    }
  }

  #start({ routerInfos, profiles }: Extract<NodeInput, { kind: 'start' }>, now: number): void {
    this.#routes.netdb({ kind: 'load', rows: routerInfos }, now);
    this.#cores.peering.load(profiles, now);
    const direction = this.#config.exploratory;
    const config = { inbound: direction, outbound: direction };
    this.#routes.tunnel({ kind: 'createPool', name: EXPLORATORY, config }, now);
    if (this.#config.listen) {
      this.#routes.netdb({ kind: 'publishRouter', routerInfo: this.#own.at(now) }, now);
    }
    this.#plan(now);
  }

  #openDestination(name: string, options: DestinationOptions, now: number): void {
    if (this.#destinations.has(name)) throw new RangeError(`a Destination named ${name} is open`);
    if (this.#destinations.size >= MAX_DESTINATIONS) throw new RangeError('too many Destinations');
    const local = new LocalDestination({
      name,
      options,
      random: this.#random,
      routes: this.#routes,
      dispatch: this.#cores.dispatch,
      counters: this.#counters,
      wake: (at) => this.#wakes.ask(`destination ${name}`, at),
    });
    this.#destinations.set(name, local);
    const direction = { length: options.length, quantity: options.quantity };
    const config = { inbound: direction, outbound: direction };
    this.#routes.tunnel({ kind: 'createPool', name, config }, now);
  }

  #closeDestination(name: string, now: number): void {
    const local = this.#destinations.get(name);
    if (!local) return;
    this.#destinations.delete(name);
    this.#wakes.forget(`destination ${name}`);
    this.#routes.netdb({ kind: 'unpublish', hash: local.hash }, now);
    this.#routes.tunnel({ kind: 'removePool', name }, now);
  }

  /** Everything that waits does so by the old clock, for minutes too long if that was ahead. */
  #clockCorrected(now: number): void {
    const { sessions, peering } = this.#cores;
    this.#skew.clear();
    this.#routes.sessions(sessions.giveUpDialing(now), now);
    peering.clockCorrected();
    this.#reseedAt = 0;
    this.#wake.spent();
    this.#wakes.hurry(now);
    this.#plan(now);
  }

  #tick(now: number): void {
    for (const core of this.#wakes.due(now)) {
      const [kind, name = ''] = core.split(' ', 2);
      if (kind === 'netdb') this.#routes.netdb({ kind: 'tick' }, now);
      else if (kind === 'tunnel') this.#routes.tunnel({ kind: 'tick' }, now);
      else if (kind === 'plan') this.#plan(now);
      else if (kind === 'link') this.#routes.sessions(this.#cores.sessions.tick(Number(name), now), now);
      else this.#destinations.get(name)?.tick(now);
    }
  }

  /** Opens the sessions that are wanted and asks for a reseed when there is nobody to open one with. */
  #plan(now: number): void {
    for (const router of this.#cores.peering.plan(this.#cores.sessions, now)) {
      this.#routes.sessions(this.#cores.sessions.dial(router, now), now);
    }
    this.#cores.queries.sweep(now);
    this.#cores.netdb.routers.pin(new Set(this.#cores.sessions.connected()));
    const known = this.#cores.peering.usable();
    if (known < RESEED_BELOW && now >= this.#reseedAt) {
      this.#reseedAt = now + RESEED_PAUSE;
      this.#outputs.push({ kind: 'needReseed', known });
    }
    this.#wakes.ask('plan', this.#cores.peering.wakeAt(now));
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
