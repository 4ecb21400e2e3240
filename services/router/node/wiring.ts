import type { Counters } from '@allium/common/observe/counters.ts';
import { I2NP_TYPE, type I2npMessage } from '../i2np/message.ts';
import type { NetDbCore } from '../netdb/netdb-core.ts';
import type { NetDbInput, NetDbOutput } from '../netdb/netdb-events.ts';
import type { PoolId } from '../tunnel/pool-id.ts';
import type { TunnelCore } from '../tunnel/tunnel-core.ts';
import type { SendOptions, Target, TunnelInput, TunnelOutput } from '../tunnel/tunnel-io.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { ClockSkew } from './clock-skew.ts';
import type { Destinations } from './destinations.ts';
import type { Dispatch } from './dispatch.ts';
import { blame, type Culprit } from './fault.ts';
import type { NodeOutput } from './node-io.ts';
import type { Peering } from './peering.ts';
import type { Queries } from './queries.ts';
import type { Routes } from './routes.ts';
import type { SessionEvent } from './session-events.ts';
import type { Sessions } from './sessions.ts';
import type { Wakes } from './wakes.ts';

/** What the node is made of. */
export interface Cores {
  readonly netdb: NetDbCore;
  readonly tunnel: TunnelCore;
  readonly sessions: Sessions;
  readonly peering: Peering;
  readonly queries: Queries;
  readonly dispatch: Dispatch;
}

export interface WiringParts {
  /** the cores know their wiring, so it asks for them later */
  readonly cores: () => Cores;
  readonly destinations: Destinations;
  readonly wakes: Wakes;
  readonly counters: Counters;
  readonly skew: ClockSkew;
  readonly emit: (output: NodeOutput) => void;
  /** a session came up: see who else is wanted */
  readonly plan: (now: number) => void;
}

/** Where all cores meet: what one of them outputs goes to another from here, and nowhere else. */
export class Wiring implements Routes {
  readonly #parts: WiringParts;
  #neighbours: ReadonlyMap<RouterHash, number> = new Map();

  constructor(parts: WiringParts) {
    this.#parts = parts;
  }

  /** How many of our tunnels lean on the session with each neighbour. */
  get neighbours(): ReadonlyMap<RouterHash, number> {
    return this.#neighbours;
  }

  emit(output: NodeOutput): void {
    this.#parts.emit(output);
  }

  netdb(input: NetDbInput, now: number): void {
    for (const output of this.#parts.cores().netdb.step(input, now)) this.#onNetDb(output, now);
  }

  tunnel(input: TunnelInput, now: number): void {
    this.#onTunnel(this.#parts.cores().tunnel.step(input, now), now);
  }

  sendThrough(pool: PoolId, target: Target, message: I2npMessage, now: number, options?: SendOptions): void {
    this.#onTunnel(this.#parts.cores().tunnel.sendThrough(pool, target, message, now, options), now);
  }

  sendDirect(router: RouterHash, message: I2npMessage, now: number): void {
    this.sessions(this.#parts.cores().sessions.send(router, message, now), now);
  }

  sessions(events: readonly SessionEvent[], now: number): void {
    for (const event of events) this.#onSession(event, now);
  }

  #onSession(event: SessionEvent, now: number): void {
    const { wakes, skew, plan } = this.#parts;
    const { peering } = this.#parts.cores();
    switch (event.kind) {
      case 'message':
        return this.#fromPeer(event, now);
      case 'wake':
        return wakes.ask({ kind: 'link', id: event.link }, event.at);
      case 'up':
        peering.up(event.router, event.incoming, now);
        this.tunnel({ kind: 'peerUp', router: event.router }, now);
        return plan(now);
      case 'down': {
        const { heardAt } = this.#parts.cores().sessions;
        const again = peering.down(event.router, event.failure, heardAt, now);
        this.tunnel({ kind: again ? 'peerDown' : 'peerGone', router: event.router }, now);
        return wakes.ask({ kind: 'plan' }, now + 1);
      }
      case 'routerInfo':
        return this.netdb({ kind: 'introduced', routerInfo: event.routerInfo }, now);
      case 'skew':
        return skew.add(event, now);
    }
  }

  /** Whatever a peer's message makes throw, and in whatever core: the peer's link pays. */
  #fromPeer({ from, message }: Extract<SessionEvent, { kind: 'message' }>, now: number): void {
    const { dispatch, sessions } = this.#parts.cores();
    const link = sessions.linkOf(from);
    const culprit: Culprit = link === undefined ? { kind: 'core' } : { kind: 'link', link };
    blame(culprit, () => dispatch.message(message, { kind: 'session', from }, now));
  }

  #onNetDb(output: NetDbOutput, now: number): void {
    const { counters, wakes, destinations } = this.#parts;
    const { queries } = this.#parts.cores();
    switch (output.kind) {
      case 'query':
        return queries.query(output, now);
      case 'storeAt':
        return queries.storeAt(output, now);
      case 'reply':
        return queries.reply(output, now);
      case 'flood':
        return queries.flood(output, now);
      case 'foundLeaseSet':
        return destinations.get(output.pool)?.found(output.leaseSet, now);
      case 'lookupFailed':
        counters.add(`lookup-${output.reason}`);
        return destinations.get(output.pool)?.lookupFailed(output.hash, output.reason, now);
      case 'published':
      case 'verified':
        counters.add(`lease-set-${output.kind}`);
        return destinations.of(output.hash)?.published(true, now);
      case 'publishFailed':
        counters.add(`publish-failed-${output.reason}`);
        return destinations.of(output.hash)?.published(false, now);
      case 'persist':
        return this.emit({ kind: 'persist', table: 'router_info', key: output.key, value: output.value });
      case 'forget':
        return this.emit({ kind: 'forget', table: 'router_info', key: output.key });
      case 'wake':
        return wakes.ask({ kind: 'netdb' }, output.at);
      case 'learned':
        return;
    }
  }

  #onTunnel(outputs: readonly TunnelOutput[], now: number): void {
    const { counters, wakes } = this.#parts;
    const { dispatch, peering } = this.#parts.cores();
    for (const output of outputs) {
      switch (output.kind) {
        case 'toRouter':
          this.sendDirect(output.router, output.message, now);
          break;
        case 'received':
          this.#received(output, now);
          break;
        case 'local':
          dispatch.message(output.message, { kind: 'clove' }, now);
          break;
        case 'poolChanged':
          this.#poolChanged(output, now);
          break;
        case 'hopResult':
          peering.hop(output.router, output.result, now);
          this.#hopDid(output, now);
          break;
        case 'buildEnded':
          peering.buildEnded(output, now);
          if (!output.answered) for (const router of output.hops) this.#lost(router, now);
          break;
        case 'dropped':
          counters.add(`dropped-${output.reason}`);
          break;
        case 'wake':
          wakes.ask({ kind: 'tunnel' }, output.at);
          break;
      }
    }
  }

  #hopDid({ router, result }: Extract<TunnelOutput, { kind: 'hopResult' }>, now: number): void {
    if (result === 'accepted') this.netdb({ kind: 'used', router }, now);
    if (result === 'testPassed') this.#parts.cores().sessions.testPassed(router, now);
    if (result === 'testFailed') this.#lost(router, now);
  }

  /** A session with it may be with nobody any more. */
  #lost(router: RouterHash, now: number): void {
    this.sessions(this.#parts.cores().sessions.testLost(router, now), now);
  }

  #received({ pool, tunnelId, message }: Extract<TunnelOutput, { kind: 'received' }>, now: number): void {
    const local = this.#parts.destinations.get(pool);
    // floodfills confirm a publication in the clear, so it comes beside the Destination's own garlic
    const own = message.type !== I2NP_TYPE.deliveryStatus;
    if (local && own) local.message(message, tunnelId, now);
    else this.#parts.cores().dispatch.message(message, { kind: 'tunnel', pool }, now);
  }

  #poolChanged(output: Extract<TunnelOutput, { kind: 'poolChanged' }>, now: number): void {
    this.#neighbours = this.#parts.cores().tunnel.neighbours();
    const local = this.#parts.destinations.get(output.pool);
    if (!local) return;
    local.leases(output.leases, now);
    if (output.ready) local.resumed(!local.ready, now);
    if (local.ready === output.ready) return;
    local.ready = output.ready;
    this.emit({ kind: 'destinationReady', destination: output.pool, ready: output.ready });
  }
}
