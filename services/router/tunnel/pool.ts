import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { type RandomBytes, randomBelow } from '@allium/common/core/random.ts';
import type { Lease } from '../wire/lease.ts';
import { MAX_LEASES } from '../wire/lease-set2.ts';
import { Backoff, FREE_FAILURES } from './build-pacer.ts';
import { MAX_HOPS } from './build-request.ts';
import type { PoolId } from './pool-id.ts';
import { type InboundTunnel, type OutboundTunnel, type Tunnel, usable } from './tunnel.ts';
import type { Direction, DirectionConfig, DirectionStatus, PoolConfig, SendOptions } from './tunnel-io.ts';

/** Tunnels per direction; a LeaseSet holds no more leases. */
export const MAX_QUANTITY = MAX_LEASES;
/** One-hop tunnels for the first build replies; two, because the first peer may decline. */
export const BOOTSTRAP_QUANTITY = 2;
/** Sticky keys per pool; one per remote lease in use. */
const MAX_STICKY = 1024;

export const DIRECTIONS: readonly Direction[] = ['inbound', 'outbound'];

/** The tunnels of one purpose, and how many more it wants. */
export class TunnelPool {
  readonly id: PoolId;
  readonly order: number;
  readonly backoff: Readonly<Record<Direction, Backoff>> = {
    inbound: new Backoff(),
    outbound: new Backoff(),
  };
  /** which of all builds of the router was the last one, by number: who waits longest has the lowest */
  readonly lastBuild: Record<Direction, number> = { inbound: 0, outbound: 0 };
  readonly building: Record<Direction, number> = { inbound: 0, outbound: 0 };
  /** those of them that should have been answered by now */
  readonly late: Record<Direction, number> = { inbound: 0, outbound: 0 };
  /** ms; when lost inbound tunnels leave the leases, and what has replaced them enters; undefined: nothing is held back */
  tellAt: number | undefined;
  #config: PoolConfig;
  readonly #inbound = new Map<number, InboundTunnel>();
  readonly #outbound = new Map<number, OutboundTunnel>();
  readonly #sticky = new BoundedMap<number, number>(MAX_STICKY);

  constructor(id: PoolId, config: PoolConfig, order: number) {
    this.id = id;
    this.order = order;
    this.#config = checked(config);
  }

  get config(): PoolConfig {
    return this.#config;
  }

  set config(config: PoolConfig) {
    this.#config = checked(config);
  }

  get inbound(): ReadonlyMap<number, InboundTunnel> {
    return this.#inbound;
  }

  get outbound(): ReadonlyMap<number, OutboundTunnel> {
    return this.#outbound;
  }

  tunnels(): Tunnel[] {
    return [...this.#inbound.values(), ...this.#outbound.values()];
  }

  add(tunnel: Tunnel): void {
    if (tunnel.direction === 'outbound') this.#outbound.set(tunnel.id, tunnel);
    else {
      tunnel.untold = this.tellAt !== undefined;
      this.#inbound.set(tunnel.id, tunnel);
    }
  }

  /** false when it was not there any more */
  remove(tunnel: Tunnel): boolean {
    return tunnel.direction === 'inbound'
      ? this.#inbound.delete(tunnel.id)
      : this.#outbound.delete(tunnel.id);
  }

  /**
   * Builds to start now: tunnels near their end and bootstrap tunnels don't count, builds under way do. Late ones get
   * company: one, or each of them while there is nothing else; none when everything fails.
   */
  missing(direction: Direction, now: number): number {
    const lasting = this.#lasting(direction, now);
    return this.#config[direction].quantity - lasting - this.#underWay(direction, lasting);
  }

  /** Tunnels that the pool lacks, whether or not builds for them are under way. */
  lacks(direction: Direction, now: number): number {
    return Math.max(0, this.#config[direction].quantity - this.#lasting(direction, now));
  }

  /** How well off it is: 0 without tunnels or builds, 1 with all that it wants. */
  supply(direction: Direction, now: number): number {
    const { quantity } = this.#config[direction];
    return (quantity - this.lacks(direction, now) + this.building[direction]) / quantity;
  }

  /** As `missing`, of one-hop tunnels for the first replies. */
  missingBootstrap(now: number): number {
    const lasting = [...this.#inbound.values()].filter((tunnel) => usable(tunnel, now));
    return BOOTSTRAP_QUANTITY - lasting.length - this.#underWay('inbound', lasting.length);
  }

  /** true when there is something to send through or to be answered by */
  has(direction: Direction, now: number): boolean {
    return this.#of(direction).some((tunnel) => usable(tunnel, now) && !isDoomed(tunnel));
  }

  /** true when a tunnel of the other direction can be tested with one of this */
  testable(direction: Direction, now: number): boolean {
    return this.#of(direction).some(
      (tunnel) => usable(tunnel, now) && !tunnel.adrift && !isBootstrap(tunnel),
    );
  }

  /** The tunnel asked for, the one that the key had last time, or any of the best. */
  pickOutbound(options: SendOptions, now: number, random: RandomBytes): OutboundTunnel | undefined {
    const { outbound, stickyKey } = options;
    const asked = outbound === undefined ? undefined : this.#outbound.get(outbound);
    if (asked && usable(asked, now)) return asked;
    const former =
      stickyKey === undefined ? undefined : this.#outbound.get(this.#sticky.get(stickyKey) ?? -1);
    if (former && usable(former, now) && sound(former)) return former;
    const tunnel = best([...this.#outbound.values()], now, random);
    if (tunnel && stickyKey !== undefined) this.#sticky.set(stickyKey, tunnel.id);
    return tunnel;
  }

  /** No bootstrap tunnel: its one hop knows that we are its end. */
  pickInbound(now: number, random: RandomBytes): InboundTunnel | undefined {
    const real = [...this.#inbound.values()].filter((tunnel) => !tunnel.bootstrap);
    return best(real, now, random);
  }

  /** As `pickInbound`, or else a bootstrap tunnel. */
  pickFirstInbound(now: number, random: RandomBytes): InboundTunnel | undefined {
    return this.pickInbound(now, random) ?? best([...this.#inbound.values()], now, random);
  }

  leases(now: number): Lease[] {
    return [...this.#inbound.values()]
      .filter((tunnel) => !tunnel.bootstrap && !tunnel.untold && usable(tunnel, now))
      .sort((a, b) => b.expires - a.expires)
      .slice(0, MAX_LEASES)
      .map((tunnel) => tunnel.lease);
  }

  /** When this pool wants attention next, as far as its tunnels decide it. */
  nextDeadline(now: number): number {
    let at = Number.POSITIVE_INFINITY;
    for (const tunnel of this.tunnels()) {
      at = Math.min(at, tunnel.expires, tunnel.nextTest);
      if (tunnel.replaceAt > now) at = Math.min(at, tunnel.replaceAt);
    }
    for (const { retryAt } of Object.values(this.backoff)) if (retryAt > now) at = Math.min(at, retryAt);
    return at;
  }

  status(direction: Direction): DirectionStatus {
    return {
      wanted: this.#config[direction].quantity,
      alive: this.#of(direction).filter((tunnel) => !isDoomed(tunnel)).length,
      building: this.building[direction],
      failures: this.backoff[direction].failures,
    };
  }

  #lasting(direction: Direction, now: number): number {
    return this.#of(direction).filter(
      (tunnel) => now < tunnel.replaceAt && !isBootstrap(tunnel) && !isDoomed(tunnel),
    ).length;
  }

  #underWay(direction: Direction, lasting: number): number {
    const hopeless = this.backoff[direction].failures >= FREE_FAILURES;
    const company = lasting > 0 ? 1 : this.late[direction];
    return this.building[direction] - (hopeless ? 0 : Math.min(company, this.late[direction]));
  }

  #of(direction: Direction): Tunnel[] {
    return direction === 'inbound' ? [...this.#inbound.values()] : [...this.#outbound.values()];
  }
}

function isBootstrap(tunnel: Tunnel): boolean {
  return tunnel.direction === 'inbound' && tunnel.bootstrap;
}

/** Told later that it is lost; for everything else it is lost now. */
export function isDoomed(tunnel: Tunnel): boolean {
  return tunnel.direction === 'inbound' && tunnel.doomed;
}

function sound({ failures, adrift }: Tunnel): boolean {
  return failures === 0 && !adrift;
}

/** One of those that lost no test and are not about to end; otherwise one of the usable ones. */
function best<T extends Tunnel>(tunnels: readonly T[], now: number, random: RandomBytes): T | undefined {
  const alive = tunnels.filter((tunnel) => usable(tunnel, now));
  const good = alive.filter(sound);
  const lasting = good.filter((tunnel) => now < tunnel.replaceAt);
  const from = [lasting, good, alive].find((set) => set.length > 0);
  return from?.[from.length > 1 ? randomBelow(random, from.length) : 0];
}

function checked(config: PoolConfig): PoolConfig {
  for (const direction of DIRECTIONS) {
    const { length, quantity } = config[direction];
    if (!within(length, MAX_HOPS) || !within(quantity, MAX_QUANTITY)) {
      throw new RangeError(`tunnel pool: ${direction} ${length} hops, ${quantity} tunnels`);
    }
  }
  return config;
}

function within(value: DirectionConfig['length'], limit: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= limit;
}
