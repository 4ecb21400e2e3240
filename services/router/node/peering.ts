import type { RandomBytes } from '@allium/common/core/random.ts';
import type { RouterInfoStore } from '../netdb/store.ts';
import { DialPlanner } from '../peers/dial.ts';
import { peerFacts } from '../peers/peer-facts.ts';
import { ProfileTable } from '../peers/profile-table.ts';
import { selectHops } from '../peers/select.ts';
import { EXPLORATORY } from '../tunnel/pool-id.ts';
import type { HopInfo, HopRequest, HopVerdict } from '../tunnel/tunnel-io.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { Ntcp2Address } from '../wire/router-caps.ts';
import type { NodeConfig, NodeOutput, Row } from './node-io.ts';
import type { SessionFailure } from './session-events.ts';
import type { Sessions } from './sessions.ts';

/** After Tor was away (ms): it answers nobody at once, and asking more often helps nobody. */
export const TOR_PAUSE = 3_000;
/** Without any session for so long (ms), what failed was our side: everybody may be tried again. Doubles while it lasts. */
export const FORGIVE_AFTER = 20_000;
export const FORGIVE_AFTER_MAX = 600_000;
/** A dial that fails says something of its peer if anybody was heard so lately (ms): the time that Tor has for a stream. */
export const HEARD_WITHIN = 20_000;
/** Alone for so long (ms) while Tor answers, what we know of routers is too old to find one. */
export const STRANDED_AFTER = 600_000;
/** How often (ms) old profiles are thrown away. */
const EXPIRE_INTERVAL = 3_600_000;

export interface PeeringParts {
  readonly config: NodeConfig;
  readonly self: RouterHash;
  readonly random: RandomBytes;
  readonly routers: RouterInfoStore;
  /** tunnels by the hop next to us */
  readonly firstHops: () => ReadonlyMap<RouterHash, number>;
}

/** Who is worth a session, who makes a hop, and what became of it. */
export class Peering {
  readonly profiles: ProfileTable;
  readonly #parts: PeeringParts;
  readonly #planner: DialPlanner;
  #torAwayUntil = 0;
  #lonelySince: number | undefined;
  #forgiveAt = 0;
  #forgivePause = FORGIVE_AFTER;
  /** Tor has opened a stream, or said of one that its far end refused it, since we are alone */
  #torAnswered = false;
  #strandedAt = Number.POSITIVE_INFINITY;
  #expireAt = 0;

  constructor(parts: PeeringParts, profiles = new ProfileTable()) {
    this.#parts = parts;
    this.profiles = profiles;
    this.#planner = new DialPlanner({ random: parts.random, profiles: this.profiles });
  }

  load(rows: Iterable<Row>, now: number): void {
    this.profiles.load(rows, now);
  }

  dialOf(router: RouterHash): { address: Ntcp2Address; isolation: string } | undefined {
    const info = this.#parts.routers.get(router);
    return info && this.#planner.dial(info);
  }

  /** Routers to open sessions with now. */
  plan(sessions: Sessions, now: number): RouterHash[] {
    if (now < this.#torAwayUntil) return [];
    const connected = new Set(sessions.connected());
    this.#company(connected.size > 0, now);
    const request = {
      candidates: this.#parts.routers.all(),
      connected,
      dialing: new Set(sessions.dialing()),
      exclude: new Set([this.#parts.self]),
      now,
    };
    return this.#planner.plan(request).map(({ router }) => router.hash);
  }

  #company(some: boolean, now: number): void {
    if (some) {
      this.#lonelySince = undefined;
      this.#forgivePause = FORGIVE_AFTER;
      return;
    }
    if (this.#lonelySince === undefined) {
      this.#lonelySince = now;
      this.#torAnswered = false;
      this.#strandedAt = now + STRANDED_AFTER;
      this.#forgiveAt = now + this.#forgivePause;
    }
    if (now < this.#forgiveAt) return;
    this.#planner.forgive();
    this.#forgivePause = Math.min(FORGIVE_AFTER_MAX, this.#forgivePause * 2);
    this.#forgiveAt = now + this.#forgivePause;
  }

  /** True once every `STRANDED_AFTER` while nobody whom we know of lets us in although Tor works. */
  stranded(now: number): boolean {
    if (this.#lonelySince === undefined || !this.#torAnswered || now < this.#strandedAt) return false;
    this.#strandedAt = now + STRANDED_AFTER;
    return true;
  }

  /** The clock was moved: rests and failures were measured by one that was wrong. */
  clockMoved(by: number): void {
    this.profiles.shift(by);
    this.#torAwayUntil = 0;
    this.#lonelySince = undefined;
    this.#forgivePause = FORGIVE_AFTER;
    this.#expireAt = 0;
    this.#planner.forget();
  }

  /** When to plan again if nothing happens, in ms. */
  wakeAt(now: number): number {
    return now < this.#torAwayUntil ? this.#torAwayUntil : this.#planner.wakeAt(now);
  }

  up(router: RouterHash, now: number): void {
    this.#torAwayUntil = 0;
    this.#planner.succeeded(router);
    this.profiles.record(router, 'connected', now);
    this.profiles.record(router, 'established', now);
  }

  /** @param heardAt ms; when any peer was last heard: a Tor without network must not be written into profiles */
  down(router: RouterHash, failure: SessionFailure, heardAt: number, now: number): void {
    const telling = now - heardAt <= HEARD_WITHIN;
    if (failure.stage === 'dial') {
      if (failure.code === 'proxy') this.#torAwayUntil = now + TOR_PAUSE;
      if (failure.code === 'proxy' || failure.code === 'aborted') return;
      if (failure.code === 'refused') this.#torAnswered = true;
      this.#planner.failed(router, now);
      if (telling && failure.code !== 'circuit') this.profiles.record(router, 'connectFailed', now);
      return;
    }
    if (failure.stage !== 'session') return;
    const { close } = failure;
    if (close.stage !== 'connect') this.#torAnswered = true;
    if (failure.established || close.code === 'local') return;
    this.#planner.failed(router, now, close.code === 'network-id' || close.reason === 17);
    if (close.stage !== 'connect') this.profiles.record(router, 'handshakeFailed', now, close.reason);
    else if (telling) this.profiles.record(router, 'connectFailed', now);
  }

  hop(router: RouterHash, verdict: HopVerdict, now: number): void {
    const stage = HOP_STAGES[verdict];
    this.profiles.record(router, stage, now);
  }

  /** Hops for a tunnel, or undefined while nobody fits. */
  chooseHops(request: HopRequest, sessions: Sessions, now: number): readonly HopInfo[] | undefined {
    const { config, self, routers, random, firstHops } = this.#parts;
    const selection = selectHops(
      {
        direction: request.direction,
        length: request.length,
        purpose: request.pool === EXPLORATORY ? 'exploratory' : 'client',
        candidates: routers.all(),
        connected: new Set(sessions.connected()),
        firstHops: firstHops(),
        exclude: new Set([self, ...request.exclude]),
        profiles: this.profiles,
        random,
        now,
      },
      config,
    );
    if (selection.kind === 'none') return undefined;
    return selection.hops.map(({ hash, identity }) => ({ hash, publicKey: identity.publicKey }));
  }

  /** Rows that changed. */
  persist(now: number): NodeOutput[] {
    if (now >= this.#expireAt) {
      this.#expireAt = now + EXPIRE_INTERVAL;
      this.profiles.expire(now);
    }
    return this.profiles
      .takeRows()
      .map(({ key, value }) =>
        value === undefined
          ? { kind: 'forget', table: 'profile', key }
          : { kind: 'persist', table: 'profile', key, value },
      );
  }

  /** Routers that a tunnel could go through, for the status. */
  usable(): number {
    let count = 0;
    for (const info of this.#parts.routers.all()) if (peerFacts(info).usable) count++;
    return count;
  }
}

const HOP_STAGES = {
  accepted: 'accepted',
  declined: 'declined',
  timeout: 'buildTimeout',
  testPassed: 'tested',
  testFailed: 'testFailed',
} as const;
