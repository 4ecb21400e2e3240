import type { RandomBytes } from '@allium/common/core/random.ts';
import { Blame, type Verdict } from '../peers/blame.ts';
import { FirstHopShares, MIN_SHARE } from '../peers/first-hop-shares.ts';
import { HopBudget } from '../peers/hop-budget.ts';
import type { ProfileTable } from '../peers/profile-table.ts';
import { EXPLORATORY } from '../tunnel/pool-id.ts';
import type { HopRequest, TunnelOutput } from '../tunnel/tunnel-io.ts';
import type { RouterHash } from '../wire/hash.ts';

/**
 * With fewer first hops, four builds each in 220 s are less than an exploratory pool and one Destination need to begin:
 * they then get more than Java is sure to read, each as little as may be.
 */
export const FEW_NEIGHBOURS = 4;
/** Of those that may take a build, the idlest do: so many, or half. */
const IDLEST = 2;

export type BuildEnd = Extract<TunnelOutput, { kind: 'buildEnded' }>;
type Pool = HopRequest['pool'];

export interface Occasion {
  readonly pool: Pool;
  /** all Destinations' */
  readonly pools: ReadonlySet<Pool>;
  /** the neighbour gets the request from us, and not through a tunnel */
  readonly direct: boolean;
  /** first hops with a session */
  readonly connected: readonly RouterHash[];
  /** those that got a request a moment ago */
  readonly resting: ReadonlySet<RouterHash>;
  /** hangs up again and again */
  readonly fickle: (router: RouterHash) => boolean;
}

/** Which of the connected first hops a tunnel begins at: each Destination its own, none more than it takes. */
export class Neighbours {
  readonly #profiles: ProfileTable;
  readonly #shares: FirstHopShares<Pool>;
  readonly #budget = new HopBudget();
  readonly #blame = new Blame();

  constructor(random: RandomBytes, profiles: ProfileTable) {
    this.#profiles = profiles;
    this.#shares = new FirstHopShares(random);
  }

  /** To be tried one after the other; nobody when all have had their share of builds. */
  choices(occasion: Occasion, now: number): (readonly RouterHash[])[] {
    const { pool, pools, direct, connected, resting, fickle } = occasion;
    const sound = connected.filter((router) => !fickle(router) && !this.#blame.benched(router, now));
    const good = sound.length >= MIN_SHARE ? sound : connected;
    const free = good.filter((router) => !resting.has(router));
    const within = free.filter((router) => this.#budget.allows(router, direct, now));
    if (within.length === 0) return good.length < FEW_NEIGHBOURS ? [this.#idlest(free, now), free] : [];
    if (pool === EXPLORATORY) return [this.#idlest(within, now), within];
    this.#shares.retain(pools);
    const own = this.#shares.of(pool, good, pools.size);
    const ready = own.filter((router) => within.includes(router));
    // its own have had their share of builds, but others' have not
    if (ready.length === 0)
      return own.some((router) => resting.has(router)) ? [] : [this.#idlest(within, now)];
    return [this.#idlest(ready, now), ready, within];
  }

  started(neighbour: RouterHash, direct: boolean, now: number): void {
    this.#budget.started(neighbour, direct, now);
  }

  ended({ answered, neighbour, hops, started }: BuildEnd, now: number): void {
    if (answered) this.#budget.answered(neighbour);
    const verdicts = answered
      ? this.#blame.answered(neighbour, now)
      : this.#blame.lost({ neighbour, hops, started }, now);
    this.#pronounce(verdicts, now);
  }

  /** A session with it was opened. */
  up(router: RouterHash): void {
    this.#blame.renewed(router);
  }

  /** What time alone decides. */
  review(now: number): void {
    this.#pronounce(this.#blame.overdue(now), now);
  }

  /** The clock was moved. */
  clear(): void {
    this.#budget.clear();
    this.#blame.clear();
  }

  #pronounce(verdicts: readonly Verdict[], now: number): void {
    for (const { guilty, silent } of verdicts) {
      for (const router of guilty) this.#profiles.lost(router, guilty, now);
      if (silent !== undefined) this.#budget.silent(silent);
    }
  }

  /** Who has least to do; while nobody answers, those first over whose sessions least was lost. */
  #idlest(routers: readonly RouterHash[], now: number): readonly RouterHash[] {
    const ranked = routers
      .map((router) => ({
        router,
        unanswered: this.#blame.unanswered(router),
        load: this.#budget.load(router, now),
      }))
      .sort((a, b) => a.unanswered - b.unanswered || a.load - b.load);
    const best = ranked.filter(({ unanswered }) => unanswered === ranked[0]?.unanswered).length;
    const idle = Math.max(IDLEST, Math.ceil(ranked.length / 2));
    return ranked.slice(0, Math.min(best, idle)).map(({ router }) => router);
  }
}
