import type { RandomBytes } from '@allium/common/core/random.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import { I2NP_TYPE } from '../i2np/message.ts';
import { NetDbCore } from '../netdb/netdb-core.ts';
import type { NetDbInput, NetDbOutput } from '../netdb/netdb-events.ts';
import { TARGET_SESSIONS } from '../peers/dial.ts';
import type { StreamId } from '../streaming/types.ts';
import { TunnelCore } from '../tunnel/tunnel-core.ts';
import { EXPLORATORY, type TunnelInput, type TunnelOutput } from '../tunnel/tunnel-io.ts';
import type { DestHash, RouterHash } from '../wire/hash.ts';
import type { RouterKeys } from '../wire/router-keys.ts';
import { ClockSkew } from './clock-skew.ts';
import { Dispatch } from './dispatch.ts';
import { LocalDestination } from './local-destination.ts';
import type { DestinationOptions, NodeConfig, NodeInput, NodeOutput } from './node-io.ts';
import { OwnRouterInfo } from './own-router-info.ts';
import { Peering } from './peering.ts';
import { Queries } from './queries.ts';
import type { Routes } from './routes.ts';
import { type SessionEvent, Sessions } from './sessions.ts';
import { type NodeStatus, nodeStatus } from './status.ts';
import { Wakes } from './wakes.ts';

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
  readonly #netdb: NetDbCore;
  readonly #tunnel: TunnelCore;
  readonly #sessions: Sessions;
  readonly #peering: Peering;
  readonly #queries: Queries;
  readonly #dispatch: Dispatch;
  readonly #routes: Routes;
  readonly #skew = new ClockSkew();
  readonly #wakes = new Wakes();
  readonly #counters = new Counters();
  readonly #destinations = new Map<string, LocalDestination>();
  #outputs: NodeOutput[] = [];
  #neighbours: ReadonlyMap<RouterHash, number> = new Map();
  #reseedAt = 0;
  #lastWake = Number.POSITIVE_INFINITY;
  #now = 0;

  constructor(config: NodeConfig, keys: RouterKeys, random: RandomBytes) {
    const self = keys.identity.hash;
    this.#config = config;
    this.#random = random;
    this.#own = new OwnRouterInfo(keys, config);
    this.#routes = this.#makeRoutes();
    const transit = config.listen !== undefined;
    this.#netdb = new NetDbCore({
      ...config,
      self,
      random,
      floodfill: config.listen?.floodfill ?? false,
      publishRouterInfo: transit,
      ownRouterInfo: () => this.#own.at(this.#now),
    });
    this.#peering = new Peering({
      config,
      self,
      random,
      routers: this.#netdb.routers,
      firstHops: () => this.#neighbours,
    });
    this.#tunnel = new TunnelCore({
      local: self,
      keys: keys.encryption,
      random,
      chooseHops: (request) => this.#peering.chooseHops(request, this.#sessions, this.#now),
      acceptTransit: transit,
    });
    this.#sessions = new Sessions({
      ntcp2: { local: keys, localRouterInfo: () => this.#own.at(this.#now), netId: config.netId, random },
      dialOf: (router) => this.#peering.dialOf(router),
      emit: (output) => void this.#outputs.push(output),
      keepAlive: (router) => this.#neighbours.has(router) || this.#sessions.size <= TARGET_SESSIONS,
    });
    const holder = (pool: string): LocalDestination | undefined => this.#destinations.get(pool);
    this.#queries = new Queries({ routes: this.#routes, random, tunnel: this.#tunnel, self, holder });
    this.#dispatch = new Dispatch({ routes: this.#routes, queries: this.#queries, keys, transit });
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
    // The host may have spent its only timer on this tick, whatever it was asked for in between.
    if (input.kind === 'tick') this.#lastWake = Number.POSITIVE_INFINITY;
    this.#apply(input, now);
    return this.#finish(now);
  }

  /** Opens a stream from a local Destination; the ID is known at once, `opened` or `refused` follows. */
  connect(
    destination: string,
    remote: DestHash,
    port: number,
    now: number,
  ): { readonly stream: StreamId; readonly outputs: NodeOutput[] } {
    this.#now = now;
    const local = this.#destinations.get(destination);
    if (!local) throw new RangeError(`no Destination named ${destination}`);
    const stream = local.connect(remote, port, now);
    return { stream, outputs: this.#finish(now) };
  }

  status(): NodeStatus {
    return nodeStatus({
      sessions: this.#sessions,
      netdb: this.#netdb,
      peering: this.#peering,
      tunnel: this.#tunnel,
      destinations: this.#destinations,
      counters: { node: this.#counters, messages: this.#dispatch.counters },
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
        return this.#onSessions(this.#sessions.step(input, now), now);
      case 'openDestination':
        return this.#openDestination(input.name, input.options, now);
      case 'closeDestination':
        return this.#closeDestination(input.name, now);
      case 'stream':
        return this.#destinations.get(input.destination)?.stream(input.command, now);
      case 'clockCorrected':
        return this.#skew.clear();
      case 'stop':
        return this.#onSessions(this.#sessions.terminate(now), now);
      case 'tick':
        return this.#tick(now);
    }
  }

  #start({ routerInfos, profiles }: Extract<NodeInput, { kind: 'start' }>, now: number): void {
    this.#routes.netdb({ kind: 'load', rows: routerInfos }, now);
    this.#peering.load(profiles, now);
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
      dispatch: this.#dispatch,
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

  #tick(now: number): void {
    for (const core of this.#wakes.due(now)) {
      const [kind, name = ''] = core.split(' ', 2);
      if (kind === 'netdb') this.#routes.netdb({ kind: 'tick' }, now);
      else if (kind === 'tunnel') this.#routes.tunnel({ kind: 'tick' }, now);
      else if (kind === 'plan') this.#plan(now);
      else if (kind === 'link') this.#onSessions(this.#sessions.tick(Number(name), now), now);
      else this.#destinations.get(name)?.tick(now);
    }
  }

  /** Opens the sessions that are wanted and asks for a reseed when there is nobody to open one with. */
  #plan(now: number): void {
    for (const router of this.#peering.plan(this.#sessions, now)) {
      this.#onSessions(this.#sessions.dial(router, now), now);
    }
    this.#queries.sweep(now);
    const known = this.#peering.usable();
    if (known < RESEED_BELOW && now >= this.#reseedAt) {
      this.#reseedAt = now + RESEED_PAUSE;
      this.#outputs.push({ kind: 'needReseed', known });
    }
    this.#wakes.ask('plan', this.#peering.wakeAt(now));
  }

  #makeRoutes(): Routes {
    return {
      emit: (output) => void this.#outputs.push(output),
      netdb: (input, now) => this.#netdbStep(input, now),
      tunnel: (input, now) => this.#tunnelStep(input, now),
      sendThrough: (pool, target, message, now, options) =>
        this.#onTunnel(this.#tunnel.sendThrough(pool, target, message, now, options), now),
      sendDirect: (router, message, now) => this.#onSessions(this.#sessions.send(router, message, now), now),
      dispatch: (message, source, now) => this.#dispatch.message(message, source, now),
    };
  }

  #onSessions(events: readonly SessionEvent[], now: number): void {
    for (const event of events) {
      switch (event.kind) {
        case 'message':
          this.#dispatch.message(event.message, { kind: 'session', from: event.from }, now);
          break;
        case 'wake':
          this.#wakes.ask(`link ${event.link}`, event.at);
          break;
        case 'up':
          this.#peering.up(event.router, now);
          this.#routes.tunnel({ kind: 'peerUp', router: event.router }, now);
          this.#plan(now);
          break;
        case 'down':
          this.#peering.down(event.router, event.failure, now);
          this.#routes.tunnel({ kind: 'peerDown', router: event.router }, now);
          this.#wakes.ask('plan', now + 1);
          break;
        case 'routerInfo':
          this.#routes.netdb({ kind: 'add', routerInfo: event.routerInfo }, now);
          break;
        case 'skew':
          this.#skew.add(event.router, event.skew);
          break;
      }
    }
  }

  #netdbStep(input: NetDbInput, now: number): void {
    for (const output of this.#netdb.step(input, now)) this.#onNetDb(output, now);
  }

  #onNetDb(output: NetDbOutput, now: number): void {
    switch (output.kind) {
      case 'query':
        return this.#queries.query(output, now);
      case 'storeAt':
        return this.#queries.storeAt(output, now);
      case 'reply':
        return this.#queries.reply(output, now);
      case 'flood':
        return this.#queries.flood(output, now);
      case 'foundLeaseSet':
        return this.#asker(output.caller)?.found(output.leaseSet, now);
      case 'lookupFailed':
        this.#counters.add(`lookup-${output.reason}`);
        return this.#asker(output.caller)?.lookupFailed(output.caller.split('/')[1] as DestHash, now);
      case 'published':
      case 'verified':
        return this.#counters.add(`lease-set-${output.kind}`);
      case 'publishFailed':
        return this.#counters.add(`publish-failed-${output.reason}`);
      case 'persist':
        this.#outputs.push({ kind: 'persist', table: 'router_info', key: output.key, value: output.value });
        return;
      case 'forget':
        this.#outputs.push({ kind: 'forget', table: 'router_info', key: output.key });
        return;
      case 'wake':
        return this.#wakes.ask('netdb', output.at);
      case 'foundRouterInfo':
      case 'learned':
        return;
    }
  }

  /** Lookups of Destinations are named `<pool>/<hash>`. */
  #asker(caller: string): LocalDestination | undefined {
    return this.#destinations.get(caller.split('/')[0] ?? '');
  }

  #tunnelStep(input: TunnelInput, now: number): void {
    this.#onTunnel(this.#tunnel.step(input, now), now);
  }

  #onTunnel(outputs: readonly TunnelOutput[], now: number): void {
    for (const output of outputs) {
      switch (output.kind) {
        case 'toRouter':
          this.#routes.sendDirect(output.router, output.message, now);
          break;
        case 'received':
          this.#received(output, now);
          break;
        case 'local':
          this.#dispatch.message(output.message, { kind: 'clove' }, now);
          break;
        case 'poolChanged':
          this.#poolChanged(output, now);
          break;
        case 'hopResult':
          this.#peering.hop(output.router, output.result, now);
          break;
        case 'dropped':
          this.#counters.add(`dropped-${output.reason}`);
          break;
        case 'wake':
          this.#wakes.ask('tunnel', output.at);
          break;
      }
    }
  }

  #received({ pool, message }: Extract<TunnelOutput, { kind: 'received' }>, now: number): void {
    const local = this.#destinations.get(pool);
    // floodfills confirm a publication in the clear, so it comes beside the Destination's own garlic
    const own = message.type !== I2NP_TYPE.deliveryStatus;
    if (local && own) local.message(message, now);
    else this.#dispatch.message(message, { kind: 'tunnel', pool }, now);
  }

  #poolChanged(output: Extract<TunnelOutput, { kind: 'poolChanged' }>, now: number): void {
    this.#neighbours = this.#tunnel.neighbours();
    const local = this.#destinations.get(output.pool);
    if (!local) return;
    local.leases(output.leases, now);
    if (local.ready === output.ready) return;
    local.ready = output.ready;
    if (output.ready) local.stream({ kind: 'resume' }, now);
    this.#outputs.push({ kind: 'destinationReady', name: output.pool, ready: output.ready });
  }

  #finish(now: number): NodeOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    outputs.push(...this.#peering.persist(now));
    // never at once: a core that asks for the past must not keep the node from everything else
    const next = Math.max(now + 1, this.#wakes.next() ?? Number.POSITIVE_INFINITY);
    if (next < this.#lastWake || this.#lastWake <= now) {
      this.#lastWake = next;
      if (next < Number.POSITIVE_INFINITY) outputs.push({ kind: 'wake', at: next });
    }
    return outputs;
  }
}
