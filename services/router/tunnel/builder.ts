import { DecodeError } from '@allium/common/bytes/errors.ts';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { type RandomBytes, randomU32 } from '@allium/common/core/random.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { Lease } from '../wire/lease.ts';
import { type HopAnswer, openReply } from './build-reply.ts';
import { createBuild, MAX_HOPS } from './build-request.ts';
import type { PoolId } from './pool-id.ts';
import type { Tunnel, TunnelPlan } from './tunnel.ts';
import type { Direction, HopInfo } from './tunnel-io.ts';

/** Milliseconds until a build counts as failed; others take 10 to 60, ours go over Tor. */
export const BUILD_TIMEOUT = 30_000;
/**
 * Milliseconds after which a build is late. While its pool has nothing else another is begun beside it: of the hops
 * that one picks in the real network, many never answer.
 */
export const BUILD_LATE = 8000;
/** Builds remembered; the pacer allows far fewer at once. */
const MAX_PENDING = 64;

export interface PendingBuild extends TunnelPlan {
  /** I2NP message ID of the reply */
  readonly replyId: number;
  /** got the build message from us over a session; undefined: it left through a tunnel */
  readonly direct: RouterHash | undefined;
  /** the tunnel of ours that carries the request or brings the reply */
  readonly leansOn: Tunnel | undefined;
  /** the hop next to us */
  readonly neighbour: RouterHash;
  late: boolean;
}

export type BuildResult =
  | { readonly kind: 'answered'; readonly build: PendingBuild; readonly answers: readonly HopAnswer[] }
  | { readonly kind: 'garbled'; readonly build: PendingBuild }
  | { readonly kind: 'foreign' };

export interface StartBuild {
  readonly direction: Direction;
  readonly pool: PoolId;
  readonly hops: readonly HopInfo[];
  /** outbound: where the reply goes */
  readonly replyTo: Lease | undefined;
  readonly direct: RouterHash | undefined;
  readonly leansOn: Tunnel | undefined;
  readonly bootstrap: boolean;
  /** ID under which we shall know the tunnel */
  readonly tunnelId: number;
}

/** Builds under way: which reply belongs to which, and which have waited long enough. */
export class TunnelBuilder {
  readonly #local: RouterHash;
  readonly #random: RandomBytes;
  readonly #pending = new BoundedMap<number, PendingBuild>(MAX_PENDING);

  constructor(local: RouterHash, random: RandomBytes) {
    this.#local = local;
    this.#random = random;
  }

  /** When the next build is late or times out; undefined when none is under way. */
  get nextDeadline(): number | undefined {
    let at: number | undefined;
    for (const { started, late } of this.#pending.values()) {
      at = Math.min(at ?? Number.POSITIVE_INFINITY, started + (late ? BUILD_TIMEOUT : BUILD_LATE));
    }
    return at;
  }

  /** undefined when a hop's public key is of no use. */
  start(wish: StartBuild, now: number): { build: PendingBuild; payload: Uint8Array } | undefined {
    const { direction, pool, hops, direct, leansOn, bootstrap, tunnelId } = wish;
    const replyId = randomU32(this.#random);
    const end = wish.replyTo
      ? { router: wish.replyTo.gateway, tunnelId: wish.replyTo.tunnelId }
      : { router: this.#local, tunnelId };
    const plan = { direction, hops, local: this.#local, end, replyId };
    const created = createBuild(plan, now, this.#random);
    if (!created) return undefined;
    const neighbour = (direction === 'inbound' ? hops.at(-1) : hops[0]) as HopInfo;
    const build: PendingBuild = {
      direction,
      pool,
      records: created.pending,
      replyId,
      tunnelId,
      started: now,
      bootstrap,
      direct,
      leansOn,
      neighbour: neighbour.hash,
      late: false,
    };
    this.#pending.set(replyId, build);
    return { build, payload: created.payload };
  }

  /** true when a build under way has this reply ID */
  awaits(id: number): boolean {
    return this.#pending.has(id);
  }

  /** true when a message with this ID answers an inbound build and comes from the hop that must send it */
  expects(id: number, from: RouterHash | undefined): boolean {
    const build = this.#pending.get(id);
    return build?.direction === 'inbound' && build.neighbour === from;
  }

  /**
   * true when a message with this ID answers an outbound build, and comes out of the tunnel that it was to come back by:
   * an endpoint that could send it by any other would learn whose that is.
   */
  repliesBy(id: number, tunnel: Tunnel): boolean {
    const build = this.#pending.get(id);
    return build?.direction === 'outbound' && build.leansOn === tunnel;
  }

  /**
   * A reply to a build of `direction`. `sealed`: it came in a way that only the tunnel's hops can use, so that a
   * reply that does not open is the end of the build; otherwise anybody may have sent it, and it changes nothing.
   */
  reply(direction: Direction, id: number, payload: Uint8Array, sealed: boolean): BuildResult {
    const build = this.#pending.get(id);
    if (build?.direction !== direction) return { kind: 'foreign' };
    try {
      const answers = openReply(payload, build.records);
      this.#pending.delete(id);
      return { kind: 'answered', build, answers };
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      if (!sealed) return { kind: 'foreign' };
      this.#pending.delete(id);
      return { kind: 'garbled', build };
    }
  }

  /** Removes and returns what has waited too long, or, after a jump of the clock, began in the future. */
  takeExpired(now: number): PendingBuild[] {
    return this.#take((build) => now >= build.started + BUILD_TIMEOUT || now < build.started);
  }

  /** Marks and returns what has become late since the last call; it stays under way. */
  takeLate(now: number): PendingBuild[] {
    const late = [...this.#pending.values()].filter(
      (build) => !build.late && now >= build.started + BUILD_LATE,
    );
    for (const build of late) build.late = true;
    return late;
  }

  /** Removes and returns what can't succeed without this peer. */
  takeLeaning(on: RouterHash): PendingBuild[] {
    return this.#take((build) => build.neighbour === on || build.direct === on);
  }

  takePool(pool: PoolId): PendingBuild[] {
    return this.#take((build) => build.pool === pool);
  }

  #take(test: (build: PendingBuild) => boolean): PendingBuild[] {
    const taken = [...this.#pending.values()].filter(test);
    for (const build of taken) this.#pending.delete(build.replyId);
    return taken;
  }
}

/** Hops that make a tunnel: the number asked for, all different, none of them ourselves. */
export function makeTunnel(hops: readonly HopInfo[], length: number, local: RouterHash): boolean {
  const hashes = new Set(hops.map((hop) => hop.hash));
  return hops.length === length && length <= MAX_HOPS && hashes.size === length && !hashes.has(local);
}
