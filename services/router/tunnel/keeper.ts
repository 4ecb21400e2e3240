import { randomBelow, randomU32 } from '@allium/common/core/random.ts';
import type { I2npMessage } from '../i2np/message.ts';
import type { RouterHash } from '../wire/hash.ts';
import { BuildPacer } from './build-pacer.ts';
import { ACCEPT } from './build-record.ts';
import type { HopAnswer } from './build-reply.ts';
import { type BuildResult, type PendingBuild, TunnelBuilder } from './builder.ts';
import { type BuildParts, launchBuild } from './launch.ts';
import { LostSessions } from './lost-sessions.ts';
import { DIRECTIONS, isDoomed, TunnelPool } from './pool.ts';
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

/** A pool that may begin a build, and how well off it is. */
interface Turn {
  readonly pool: TunnelPool;
  readonly direction: Direction;
  readonly supply: number;
}

/** Keeps every pool at its size: starts builds, takes their replies, removes what has ended. */
export class PoolKeeper {
  readonly #parts: BuildParts;
  readonly #pools = new Map<PoolId, TunnelPool>();
  readonly #listening = new Map<number, InboundTunnel>();
  readonly #lost: LostSessions;
  readonly #changed = new Set<PoolId>();
  #builds = 0;

  constructor(parts: Omit<BuildParts, 'pacer' | 'builder'>) {
    this.#parts = {
      ...parts,
      pacer: new BuildPacer(),
      builder: new TunnelBuilder(parts.local, parts.random),
    };
    this.#lost = new LostSessions({
      random: parts.random,
      pools: this.#pools,
      listening: this.#listening,
      end: (tunnel, counter) => this.end(tunnel, counter),
      changed: ({ id }) => this.#changed.add(id),
    });
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
    this.#pools.set(id, new TunnelPool(id, config, randomU32(this.#parts.random)));
  }

  remove(id: PoolId): void {
    const pool = this.#pools.get(id);
    if (!pool) return;
    for (const build of this.builder.takePool(id)) this.#ended(build);
    for (const tunnel of pool.tunnels()) this.#forget(tunnel);
    this.#lost.forgetPool(id);
    this.#pools.delete(id);
    this.#changed.delete(id);
  }

  /** Everything that time alone decides. */
  maintain(now: number): TunnelOutput[] {
    for (const pool of this.#pools.values()) {
      for (const tunnel of pool.tunnels()) if (now >= tunnel.expires) this.end(tunnel, 'tunnelsExpired');
    }
    this.#lost.maintain(now);
    for (const { pool, direction } of this.builder.takeLate(now)) {
      const late = this.#pools.get(pool)?.late;
      this.#parts.pacer.late();
      if (late) late[direction]++;
    }
    const out = this.builder.takeExpired(now).flatMap((build) => this.#timedOut(build, now));
    out.push(...this.#startBuilds(now));
    return out;
  }

  /** When `maintain` has something to do next. */
  nextDeadline(now: number): number {
    let at = Math.min(this.#lost.nextDeadline, this.builder.nextDeadline ?? Number.POSITIVE_INFINITY);
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
    const accepted = result.answers.every(({ reply }) => reply.code === ACCEPT);
    this.#parts.pacer.learn(accepted, now - result.build.started);
    if (accepted) {
      counters.add('buildsAccepted');
      this.#establish(result.build, now);
    } else {
      counters.add('buildsDeclined');
      pool?.backoff[direction].failed(now);
    }
    return [buildEnded(result.build, true), ...result.answers.map((answer) => this.#verdict(answer))];
  }

  /** The session to this router is lost and is being opened again, or (`forGood`) could not be. */
  peerDown(router: RouterHash, forGood: boolean, now: number): void {
    for (const build of this.builder.takeLeaning(router)) {
      this.#parts.counters.add('buildsPeerDown');
      this.#ended(build)?.backoff[build.direction].failed(now);
    }
    if (forGood) this.#lost.gone(router, now);
    else this.#lost.lost(router, now);
  }

  peerUp(router: RouterHash): void {
    this.#lost.back(router);
    for (const { backoff } of this.#pools.values()) {
      for (const direction of DIRECTIONS) backoff[direction].resume();
    }
  }

  /** A stream of this pool stalls: what it has lost is told at once, for it alone. */
  stalled(id: PoolId): void {
    const pool = this.#pools.get(id);
    if (pool) this.#lost.tell(pool);
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

  /**
   * In rounds, one build each: who has least goes first, and then who waits longest. The exploratory pool goes before
   * others while it has nothing, for they depend on it.
   */
  #startBuilds(now: number): TunnelOutput[] {
    const out: TunnelOutput[] = [];
    const exploratory = this.#pools.get(EXPLORATORY);
    let turns = this.#turns(now);
    while (turns.length > 0) {
      turns = turns.filter(({ pool, direction }) => {
        if (this.#parts.pacer.free(this.#wanted(now)) <= 0 || pool.backoff[direction].retryAt > now)
          return false;
        const wish = { pool, exploratory, direction, tunnelId: this.#newId() };
        const launched = launchBuild(wish, this.#parts, now);
        if (!launched) return false;
        pool.lastBuild[direction] = ++this.#builds;
        out.push(...launched);
        return true;
      });
    }
    return out;
  }

  #turns(now: number): Turn[] {
    const turns = [...this.#pools.values()].flatMap((pool) =>
      DIRECTIONS.map((direction) => {
        const first = pool.id === EXPLORATORY && !pool.has(direction, now);
        return { pool, direction, supply: first ? -1 : pool.supply(direction, now) };
      }),
    );
    const last = ({ pool, direction }: Turn): number => pool.lastBuild[direction];
    return turns.sort((a, b) => a.supply - b.supply || last(a) - last(b));
  }

  #wanted(now: number): number {
    let wanted = 0;
    for (const pool of this.#pools.values()) {
      for (const direction of DIRECTIONS) wanted += pool.lacks(direction, now);
    }
    return wanted;
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
    this.#parts.pacer.learn(false, now - build.started);
    this.#ended(build)?.backoff[build.direction].failed(now);
    if (build.leansOn) this.#doubt(build.leansOn, now);
    return [buildEnded(build, false)];
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
    this.#parts.pacer.finished(build.late);
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
  const inbound = [...pool.inbound.values()].filter((it) => !it.bootstrap && !isDoomed(it)).length;
  const outbound = pool.outbound.size;
  const ready = inbound > 0 && outbound > 0;
  return { kind: 'poolChanged', pool: pool.id, ready, leases: pool.leases(now), inbound, outbound };
}

function buildEnded({ neighbour, records, started }: PendingBuild, answered: boolean): TunnelOutput {
  return { kind: 'buildEnded', neighbour, hops: records.hops.map(({ router }) => router), answered, started };
}
