import { randomBelow, randomU32 } from '@allium/common/core/random.ts';
import type { I2npMessage } from '../i2np/message.ts';
import type { RouterHash } from '../wire/hash.ts';
import { BuildPacer } from './build-pacer.ts';
import { ACCEPT } from './build-record.ts';
import type { HopAnswer } from './build-reply.ts';
import { type BuildResult, type PendingBuild, TunnelBuilder } from './builder.ts';
import { type BuildParts, launchBuild } from './launch.ts';
import { DIRECTIONS, TunnelPool } from './pool.ts';
import { EXPLORATORY, type PoolId } from './pool-id.ts';
import { establish, type InboundTunnel, type Tunnel } from './tunnel.ts';
import type { TunnelCounter } from './tunnel-counters.ts';
import type { Direction, PoolConfig, TunnelOutput } from './tunnel-io.ts';
import { FIRST_TEST_DELAY } from './tunnel-tests.ts';

/** Pools at once: one per local Destination, each up to 32 tunnels. */
export const MAX_POOLS = 256;

/**
 * Builds in a row, lost with a tunnel that carries requests or brings replies and that nothing else can test, after
 * which it is taken for dead. In the real network every third build is lost for other reasons.
 */
export const LEAN_LIMIT = 3;

/** Inbound tunnels whose session was lost and that may still bring messages over a new one. */
export const MAX_STRANDED = 128;

/** Keeps every pool at its size: starts builds, takes their replies, removes what has ended. */
export class PoolKeeper {
  readonly #parts: BuildParts;
  readonly #pools = new Map<PoolId, TunnelPool>();
  readonly #listening = new Map<number, InboundTunnel>();
  readonly #stranded = new Map<number, InboundTunnel>();
  readonly #changed = new Set<PoolId>();

  constructor(parts: Omit<BuildParts, 'pacer' | 'builder'>, concurrentBuilds: number | undefined) {
    this.#parts = {
      ...parts,
      pacer: new BuildPacer(concurrentBuilds),
      builder: new TunnelBuilder(parts.local, parts.random),
    };
  }

  get pools(): ReadonlyMap<PoolId, TunnelPool> {
    return this.#pools;
  }

  get builder(): TunnelBuilder {
    return this.#parts.builder;
  }

  /** The tunnel of ours that receives under this ID. */
  listening(tunnelId: number): InboundTunnel | undefined {
    return this.#listening.get(tunnelId);
  }

  /** More than `MAX_POOLS` throws `RangeError`: whoever makes Destinations bounds them. */
  create(id: PoolId, config: PoolConfig): void {
    const pool = this.#pools.get(id);
    if (pool) {
      pool.config = config;
      return;
    }
    if (this.#pools.size >= MAX_POOLS) throw new RangeError('too many tunnel pools');
    this.#pools.set(id, new TunnelPool(id, config));
  }

  remove(id: PoolId): void {
    const pool = this.#pools.get(id);
    if (!pool) return;
    for (const build of this.builder.takePool(id)) this.#ended(build);
    for (const tunnel of pool.tunnels()) this.#forget(tunnel);
    for (const tunnel of this.#stranded.values()) if (tunnel.pool === id) this.#unstrand(tunnel.id);
    this.#pools.delete(id);
    this.#changed.delete(id);
  }

  /** Everything that time alone decides. */
  maintain(now: number): TunnelOutput[] {
    for (const pool of this.#pools.values()) {
      for (const tunnel of pool.tunnels()) if (now >= tunnel.expires) this.end(tunnel, 'tunnelsExpired');
    }
    for (const { id, expires } of this.#stranded.values()) if (now >= expires) this.#unstrand(id);
    for (const { pool, direction } of this.builder.takeLate(now)) {
      const late = this.#pools.get(pool)?.late;
      if (late) late[direction]++;
    }
    const out = this.builder.takeExpired(now).flatMap((build) => this.#timedOut(build, now));
    for (const urgent of [true, false]) out.push(...this.#startBuilds(urgent, now));
    return out;
  }

  /** When `maintain` has something to do next. */
  nextDeadline(now: number): number {
    let at = this.builder.nextDeadline ?? Number.POSITIVE_INFINITY;
    for (const pool of this.#pools.values()) at = Math.min(at, pool.nextDeadline(now));
    return at;
  }

  reply(direction: Direction, message: I2npMessage, sealed: boolean, now: number): TunnelOutput[] {
    const result: BuildResult = this.builder.reply(direction, message.id, message.payload, sealed);
    const { counters } = this.#parts;
    if (result.kind === 'foreign') {
      counters.add('foreignReplies');
      return [];
    }
    const pool = this.#ended(result.build);
    if (result.build.leansOn) result.build.leansOn.failures = 0;
    if (result.kind === 'garbled') {
      counters.add('buildsGarbled');
      pool?.backoff[direction].failed(now);
      return [];
    }
    if (result.answers.every(({ reply }) => reply.code === ACCEPT)) {
      counters.add('buildsAccepted');
      this.#establish(result.build, now);
    } else {
      counters.add('buildsDeclined');
      pool?.backoff[direction].failed(now);
    }
    return result.answers.map((answer) => this.#verdict(answer));
  }

  /** The session to this router is gone. */
  peerDown(router: RouterHash, now: number): void {
    for (const build of this.builder.takeLeaning(router)) {
      this.#parts.counters.add('buildsPeerDown');
      this.#ended(build)?.backoff[build.direction].failed(now);
    }
    for (const pool of this.#pools.values()) {
      for (const tunnel of pool.tunnels()) {
        if (tunnel.neighbour !== router) continue;
        this.end(tunnel, 'tunnelsPeerDown');
        if (tunnel.direction === 'inbound') this.#strand(tunnel);
      }
    }
  }

  /**
   * Its hops forward until it expires, over any session between the last one and us, and remotes that have our
   * former LeaseSet know no other way: it is replaced, but what it still brings is taken.
   */
  #strand(tunnel: InboundTunnel): void {
    if (this.#stranded.size >= MAX_STRANDED) this.#unstrand(this.#stranded.keys().next().value);
    this.#stranded.set(tunnel.id, tunnel);
    this.#listening.set(tunnel.id, tunnel);
  }

  #unstrand(id: number | undefined): void {
    if (id === undefined) return;
    this.#stranded.delete(id);
    this.#listening.delete(id);
  }

  peerUp(): void {
    for (const { backoff } of this.#pools.values()) {
      for (const direction of DIRECTIONS) backoff[direction].resume();
    }
  }

  /** Takes a tunnel out of use, whatever the reason; false when it was already. */
  end(tunnel: Tunnel, counter: TunnelCounter): boolean {
    const pool = this.#pools.get(tunnel.pool);
    if (!pool?.remove(tunnel)) return false;
    this.#forget(tunnel);
    this.#parts.counters.add(counter);
    this.#changed.add(pool.id);
    return true;
  }

  /** What has changed since the last call. */
  takeChanges(now: number): TunnelOutput[] {
    const out = [...this.#changed].flatMap((id) => {
      const pool = this.#pools.get(id);
      return pool ? [poolChanged(pool, now)] : [];
    });
    this.#changed.clear();
    return out;
  }

  /** Pools without tunnels and the exploratory pool go first: the others depend on them. */
  #startBuilds(urgent: boolean, now: number): TunnelOutput[] {
    const out: TunnelOutput[] = [];
    const exploratory = this.#pools.get(EXPLORATORY);
    const others = [...this.#pools.values()].filter((pool) => pool !== exploratory);
    for (const pool of exploratory ? [exploratory, ...others] : others) {
      for (const direction of DIRECTIONS) {
        if (urgent && pool.has(direction, now)) continue;
        while (this.#parts.pacer.free > 0 && pool.backoff[direction].retryAt <= now) {
          const wish = { pool, exploratory, direction, tunnelId: this.#newId() };
          const launched = launchBuild(wish, this.#parts, now);
          if (!launched) break;
          out.push(...launched);
        }
      }
    }
    return out;
  }

  #newId(): number {
    for (;;) {
      const id = randomU32(this.#parts.random);
      if (!this.#listening.has(id)) return id;
    }
  }

  #establish(build: PendingBuild, now: number): void {
    const pool = this.#pools.get(build.pool);
    if (!pool) return;
    const { random } = this.#parts;
    const tunnel = establish(build, now + FIRST_TEST_DELAY + randomBelow(random, FIRST_TEST_DELAY), random);
    pool.add(tunnel);
    if (tunnel.direction === 'inbound') this.#listening.set(tunnel.id, tunnel);
    pool.backoff[build.direction].succeeded();
    this.#changed.add(pool.id);
  }

  #timedOut(build: PendingBuild, now: number): TunnelOutput[] {
    this.#parts.counters.add('buildsTimedOut');
    this.#ended(build)?.backoff[build.direction].failed(now);
    if (build.leansOn) this.#doubt(build.leansOn, now);
    return build.records.hops.map(({ router }) => ({ kind: 'hopResult', router, result: 'timeout' }));
  }

  /** Tests need a tunnel of each direction: without one, a dead tunnel would swallow every build until it expires. */
  #doubt(tunnel: Tunnel, now: number): void {
    const other = tunnel.direction === 'inbound' ? 'outbound' : 'inbound';
    if (this.#pools.get(tunnel.pool)?.testable(other, now)) return;
    if (++tunnel.failures >= LEAN_LIMIT) this.end(tunnel, 'tunnelsTestFailed');
  }

  #verdict({ hop, reply }: HopAnswer): TunnelOutput {
    const { router } = hop;
    if (reply.code === ACCEPT) return { kind: 'hopResult', router, result: 'accepted' };
    this.#parts.counters.addDecline(reply.code);
    return { kind: 'hopResult', router, result: 'declined', code: reply.code };
  }

  /** The build is not under way any more; its pool, if that still exists. */
  #ended(build: PendingBuild): TunnelPool | undefined {
    this.#parts.pacer.finished();
    const pool = this.#pools.get(build.pool);
    if (pool) pool.building[build.direction]--;
    if (pool && build.late) pool.late[build.direction]--;
    return pool;
  }

  #forget(tunnel: Tunnel): void {
    if (tunnel.direction === 'inbound') this.#listening.delete(tunnel.id);
    else this.#parts.queue.forget(tunnel.sender);
  }
}

function poolChanged(pool: TunnelPool, now: number): TunnelOutput {
  const inbound = [...pool.inbound.values()].filter((tunnel) => !tunnel.bootstrap).length;
  const outbound = pool.outbound.size;
  const ready = inbound > 0 && outbound > 0;
  return { kind: 'poolChanged', pool: pool.id, ready, leases: pool.leases(now), inbound, outbound };
}
