import { type RandomBytes, randomBelow } from '@allium/common/core/random.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { TunnelPool } from './pool.ts';
import type { PoolId } from './pool-id.ts';
import type { InboundTunnel, Tunnel } from './tunnel.ts';
import type { TunnelCounter } from './tunnel-counters.ts';

/**
 * After this time (ms) at random a pool tells that its tunnels over a lost neighbour are gone. A neighbour that hangs up
 * and looks whose LeaseSets change would learn otherwise which Destinations live here, and which live together.
 */
export const TELL_AFTER = 10_000;
export const TELL_SPREAD = 48_000;
/** ms that a lost session may take to be opened again: a dial and a handshake over Tor. */
export const REOPEN_WITHIN = 30_000;
/** Inbound tunnels whose session was lost and that may still bring messages over a new one. */
export const MAX_STRANDED = 128;

export interface LostSessionsParts {
  readonly random: RandomBytes;
  readonly pools: ReadonlyMap<PoolId, TunnelPool>;
  /** takes a tunnel out of use; false when it was already */
  readonly end: (tunnel: Tunnel, counter: TunnelCounter) => boolean;
  readonly changed: (pool: TunnelPool) => void;
  readonly listening: Map<number, InboundTunnel>;
}

/**
 * What becomes of tunnels whose neighbour is away. While its session is opened again they wait, unused where there are
 * others. If that fails, outbound ones end, and inbound ones stay in the leases until their pool's own time has come.
 */
export class LostSessions {
  readonly #parts: LostSessionsParts;
  /** neighbours whose sessions are being opened again, since (ms) */
  readonly #away = new Map<RouterHash, number>();
  readonly #stranded = new Map<number, InboundTunnel>();

  constructor(parts: LostSessionsParts) {
    this.#parts = parts;
  }

  /** The session is gone, and is being opened again. */
  lost(router: RouterHash, now: number): void {
    const tunnels = this.#over(router);
    for (const { tunnel } of tunnels) tunnel.adrift = true;
    if (tunnels.length > 0 && !this.#away.has(router)) this.#away.set(router, now);
  }

  back(router: RouterHash): void {
    this.#away.delete(router);
    for (const { tunnel } of this.#over(router)) {
      tunnel.adrift = false;
      if (tunnel.direction === 'inbound') tunnel.doomed = false;
    }
  }

  /** It could not be opened again. */
  gone(router: RouterHash, now: number): void {
    this.#away.delete(router);
    for (const { pool, tunnel } of this.#over(router)) {
      if (tunnel.direction === 'outbound' || tunnel.bootstrap) {
        this.#parts.end(tunnel, 'tunnelsPeerDown');
        continue;
      }
      tunnel.adrift = true;
      tunnel.doomed = true;
      this.#parts.changed(pool);
      pool.tellAt ??= now + TELL_AFTER + randomBelow(this.#parts.random, TELL_SPREAD);
    }
  }

  /** What is lost is told now, and what has replaced it: its own time has come, or a stream of the pool stalls. */
  tell(pool: TunnelPool): void {
    if (pool.tellAt === undefined) return;
    pool.tellAt = undefined;
    for (const tunnel of pool.inbound.values()) {
      tunnel.untold = false;
      if (tunnel.doomed && this.#parts.end(tunnel, 'tunnelsPeerDown')) this.#strand(tunnel);
    }
    this.#parts.changed(pool);
  }

  maintain(now: number): void {
    for (const [router, since] of this.#away) {
      if (now < since || now >= since + REOPEN_WITHIN) this.gone(router, now);
    }
    for (const pool of this.#parts.pools.values()) {
      if (pool.tellAt !== undefined && now >= pool.tellAt) this.tell(pool);
    }
    for (const { id, expires } of this.#stranded.values()) if (now >= expires) this.#unstrand(id);
  }

  /** When `maintain` has something to do next. */
  get nextDeadline(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const since of this.#away.values()) at = Math.min(at, since + REOPEN_WITHIN);
    for (const { tellAt } of this.#parts.pools.values()) at = Math.min(at, tellAt ?? at);
    return at;
  }

  forgetPool(id: PoolId): void {
    for (const tunnel of this.#stranded.values()) if (tunnel.pool === id) this.#unstrand(tunnel.id);
  }

  #over(router: RouterHash): { readonly pool: TunnelPool; readonly tunnel: Tunnel }[] {
    return [...this.#parts.pools.values()].flatMap((pool) =>
      pool.tunnels().flatMap((tunnel) => (tunnel.neighbour === router ? [{ pool, tunnel }] : [])),
    );
  }

  /**
   * Its hops forward until it expires, over any session between the last one and us, and remotes that have our
   * former LeaseSet know no other way: it is replaced, but what it still brings is taken.
   */
  #strand(tunnel: InboundTunnel): void {
    if (this.#stranded.size >= MAX_STRANDED) this.#unstrand(this.#stranded.keys().next().value);
    this.#stranded.set(tunnel.id, tunnel);
    this.#parts.listening.set(tunnel.id, tunnel);
  }

  #unstrand(id: number | undefined): void {
    if (id === undefined) return;
    this.#stranded.delete(id);
    this.#parts.listening.delete(id);
  }
}
