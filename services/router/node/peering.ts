import type { RandomBytes } from '@allium/common/core/random.ts';
import type { RouterInfoStore } from '../netdb/store.ts';
import { DialPlanner } from '../peers/dial.ts';
import { FirstHops, type Surroundings } from '../peers/first-hops.ts';
import { peerFacts } from '../peers/peer-facts.ts';
import { ProfileTable } from '../peers/profile-table.ts';
import { selectHops } from '../peers/select.ts';
import { EXPLORATORY } from '../tunnel/pool-id.ts';
import type { HopInfo, HopRequest, HopVerdict } from '../tunnel/tunnel-io.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { Ntcp2Address } from '../wire/router-caps.ts';
import { type BuildEnd, Neighbours } from './neighbours.ts';
import type { NodeConfig, NodeOutput, PersistTable, Row } from './node-io.ts';
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
  /** of all local Destinations */
  readonly pools: () => ReadonlySet<HopRequest['pool']>;
}

/** What is known of peers, and outlives all that is done with them. */
export interface PeerMemory {
  readonly profiles: ProfileTable;
  readonly firstHops: FirstHops;
}

/** Who is worth a session, who makes a hop, and what became of it. */
export class Peering {
  readonly memory: PeerMemory;
  readonly #parts: PeeringParts;
  readonly #planner: DialPlanner;
  readonly #neighbours: Neighbours;
  /** first hops that we are, or want to be, connected with */
  #live: ReadonlySet<RouterHash> = new Set();
  #torAwayUntil = 0;
  #lonelySince: number | undefined;
  #forgiveAt = 0;
  #forgivePause = FORGIVE_AFTER;
  /** Tor has opened a stream, or said of one that its far end refused it, since we are alone */
  #torAnswered = false;
  #strandedAt = Number.POSITIVE_INFINITY;
  #expireAt = 0;

  constructor(parts: PeeringParts, memory = newMemory(parts)) {
    this.#parts = parts;
    this.memory = memory;
    this.#planner = new DialPlanner(parts.random);
    this.#neighbours = new Neighbours(parts.random, memory.profiles);
  }

  get profiles(): ProfileTable {
    return this.memory.profiles;
  }

  load(rows: { readonly profiles: Iterable<Row>; readonly firstHops: Iterable<Row> }, now: number): void {
    this.profiles.load(rows.profiles, now);
    this.memory.firstHops.load(rows.firstHops, now);
  }

  /** Whether tunnels may begin at it. */
  isFirstHop(router: RouterHash): boolean {
    return this.#live.has(router);
  }

  /** Routers whose RouterInfos must not be pushed out by others. */
  kept(sessions: Sessions): ReadonlySet<RouterHash> {
    return new Set([...sessions.connected(), ...this.memory.firstHops.all]);
  }

  dialOf(router: RouterHash): { address: Ntcp2Address; isolation: string } | undefined {
    const info = this.#parts.routers.get(router);
    return info && this.#planner.dial(info);
  }

  /** Routers to open sessions with now. */
  plan(sessions: Sessions, now: number): RouterHash[] {
    if (now < this.#torAwayUntil) return [];
    const { routers, self } = this.#parts;
    const { firstHops } = this.memory;
    const connected = new Set(sessions.connected());
    this.#company(connected.size > 0, now);
    const around: Surroundings = {
      known: (router) => routers.get(router),
      candidates: routers.all(),
      connected,
      exclude: new Set([self]),
      mayDial: (router) => this.#planner.mayDial(router, now),
      now,
    };
    this.#neighbours.review(now);
    firstHops.refresh(around);
    const wanted = firstHops.live(around);
    this.#live = new Set(wanted.map(({ hash }) => hash));
    const dialing = new Set(sessions.dialing());
    // whose tunnels wait for a session comes first, whoever else is being dialled
    const leaned = [...this.#parts.firstHops().keys()].flatMap((router) => routers.get(router) ?? []);
    const again = new Set([...dialing].filter((router) => this.#parts.firstHops().has(router)));
    const urgent = this.#planner.plan({ wanted: leaned, connected, dialing: again, now });
    for (const { router } of urgent) dialing.add(router.hash);
    return [...urgent, ...this.#planner.plan({ wanted, connected, dialing, now })].map(
      ({ router }) => router.hash,
    );
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
    this.memory.firstHops.shift(by);
    this.#torAwayUntil = 0;
    this.#lonelySince = undefined;
    this.#forgivePause = FORGIVE_AFTER;
    this.#expireAt = 0;
    this.#planner.forget();
    this.#neighbours.clear();
  }

  /** When to plan again if nothing happens, in ms. */
  wakeAt(now: number): number {
    return now < this.#torAwayUntil ? this.#torAwayUntil : this.#planner.wakeAt(now);
  }

  /** @param incoming who came to us has not proven that we get in to it, and gains nothing by coming */
  up(router: RouterHash, incoming: boolean, now: number): void {
    this.#torAwayUntil = 0;
    this.#planner.succeeded(router);
    this.#neighbours.up(router);
    if (!incoming) this.memory.firstHops.proven(router, now);
    this.profiles.record(router, 'connected', now);
    this.profiles.record(router, 'established', now);
  }

  /**
   * @param heardAt ms; when any peer was last heard: a Tor without network must not be written into profiles
   * @returns whether the session was one, and is to be opened again at once
   */
  down(router: RouterHash, failure: SessionFailure, heardAt: number, now: number): boolean {
    if (failure.stage === 'session' && failure.established) {
      this.#torAnswered = true;
      return failure.close.code === 'local' || this.#planner.hungUp(router, now);
    }
    this.#failed(router, failure, heardAt, now);
    return false;
  }

  #failed(router: RouterHash, failure: SessionFailure, heardAt: number, now: number): void {
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
    if (close.code === 'local') return;
    this.#planner.failed(router, now, close.code === 'network-id' || close.reason === 17);
    if (close.stage !== 'connect') this.profiles.record(router, 'handshakeFailed', now, close.reason);
    else if (telling) this.profiles.record(router, 'connectFailed', now);
  }

  hop(router: RouterHash, verdict: HopVerdict, now: number): void {
    this.profiles.record(router, HOP_STAGES[verdict], now);
  }

  buildEnded(end: BuildEnd, now: number): void {
    this.#neighbours.ended(end, now);
  }

  /** Hops for a tunnel, or undefined while nobody fits. */
  chooseHops(request: HopRequest, sessions: Sessions, now: number): readonly HopInfo[] | undefined {
    const { config, self, routers, random, firstHops, pools } = this.#parts;
    const { direction, length, pool, order } = request;
    const neighbours = new Set(sessions.connected());
    // a build of one hop is a bootstrap tunnel's
    const direct = direction === 'outbound' || length === 1;
    const connected = [...neighbours].filter((router) => this.isFirstHop(router));
    const resting = new Set(request.exclude);
    const fickle = (router: RouterHash): boolean => this.#planner.fickle(router, now);
    const purpose = pool === EXPLORATORY ? 'exploratory' : 'client';
    const exclude = new Set([self, ...resting]);
    const common = { direction, length, order, purpose, neighbours, exclude, random, now } as const;
    const occasion = { pool, pools: pools(), direct, connected, resting, fickle };
    for (const near of this.#neighbours.choices(occasion, now)) {
      const [candidates, profiles] = [routers.all(), this.profiles];
      const places = { candidates, profiles, connected: new Set(near), firstHops: firstHops() };
      const selection = selectHops({ ...common, ...places }, config);
      if (selection.kind === 'none') continue;
      const next = direction === 'inbound' ? selection.hops.at(-1) : selection.hops[0];
      if (next) this.#neighbours.started(next.hash, direct, now);
      return selection.hops.map(({ hash, identity }) => ({ hash, publicKey: identity.publicKey }));
    }
    return undefined;
  }

  /** Rows that changed. */
  persist(now: number): NodeOutput[] {
    if (now >= this.#expireAt) {
      this.#expireAt = now + EXPIRE_INTERVAL;
      this.profiles.expire(now);
    }
    return [
      ...outputs('profile', this.profiles.takeRows()),
      ...outputs('first_hop', this.memory.firstHops.takeRows()),
    ];
  }

  /** Routers that a tunnel could go through, for the status. */
  usable(): number {
    let count = 0;
    for (const info of this.#parts.routers.all()) if (peerFacts(info).usable) count++;
    return count;
  }
}

function newMemory({ config, random }: PeeringParts): PeerMemory {
  const profiles = new ProfileTable();
  const { skipIpDiversity } = config;
  return { profiles, firstHops: new FirstHops({ random, profiles, skipIpDiversity }) };
}

function outputs(
  table: PersistTable,
  rows: readonly { readonly key: string; readonly value?: Uint8Array }[],
): NodeOutput[] {
  return rows.map(({ key, value }) =>
    value === undefined ? { kind: 'forget', table, key } : { kind: 'persist', table, key, value },
  );
}

const HOP_STAGES = {
  accepted: 'accepted',
  declined: 'declined',
  testPassed: 'tested',
  testFailed: 'testFailed',
} as const;
