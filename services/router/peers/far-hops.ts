import { type RandomBytes, randomBelow, shuffled } from '@allium/common/core/random.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { peerFacts } from './peer-facts.ts';
import { buildRate, type Profile, testRate } from './profile.ts';
import type { ProfileTable } from './profile-table.ts';
import { hopScore, type Purpose } from './score.ts';
import { pickWeighted } from './weighted.ts';

/** A hop is proven that took a tunnel within the last hours (counts decay), and mostly takes them. */
const PROVEN_ACCEPTED = 0.5;
const PROVEN_RATE = 0.6;
/** Who takes tunnels and then loses what passes them is not wanted. */
const PROVEN_TESTS = 0.5;
/** Proven hops at a time, those of most lately; more would be used too seldom to stay proven. */
export const MAX_PROVEN = 150;
/** Proven hops of one pool: few meet a Destination, and other Destinations meet others. */
export const POOL_PROVEN = 40;
/** With so many to choose among, a pool leans on them wholly; with fewer, in proportion. */
const ENOUGH_PROVEN = 12;
/** Part of far hops that are proven ones, when there are enough; of exploratory tunnels, part of the tunnels. */
const PROVEN_SHARE = { client: 0.95, exploratory: 0.5 } as const;
/** Proven hops that were used longest ago, among which chance decides: part of all, and at least. */
const ROTATED = 0.5;
const MIN_ROTATED = 6;
/** Peers drawn at random of which one is picked by score: enough choice, and no scan of 5,000 profiles per hop. */
const DRAWN = 64;
const RESOLUTION = 1 << 16;

export interface FarRequest {
  readonly purpose: Purpose;
  /** the pool's secret: which of the proven hops are its, and how they are ordered */
  readonly order: number;
  readonly profiles: ProfileTable;
  readonly random: RandomBytes;
  readonly now: number;
}

interface Proven {
  readonly info: RouterInfo;
  readonly score: number;
  /** ms */
  readonly lastUse: number;
}

/**
 * Hops that are not next to us, in two tiers: those that showed they take tunnels, and all others, which exploratory
 * tunnels try out. A tunnel that explores has one new hop, so that its failure tells who it was.
 */
export class FarHops {
  readonly #request: FarRequest;
  readonly #others: readonly RouterInfo[];
  readonly #proven: readonly Proven[];

  constructor(request: FarRequest, candidates: readonly RouterInfo[]) {
    this.#request = request;
    const { profiles, purpose, now } = request;
    const proven: Proven[] = [];
    const others: RouterInfo[] = [];
    for (const info of candidates) {
      const profile = profiles.get(info.hash, now);
      const score = isProven(profile) ? hopScore(info, profile, purpose, now) : 0;
      if (score > 0) proven.push({ info, score, lastUse: profile.lastUse });
      else others.push(info);
    }
    this.#others = others;
    this.#proven = proven
      .sort((a, b) => b.lastUse - a.lastUse)
      .slice(0, MAX_PROVEN)
      .sort((a, b) => this.#rank(a.info) - this.#rank(b.info))
      .slice(0, POOL_PROVEN);
  }

  /** At most `count` hops, in the order in which they follow the hop next to us; `take` is told of each. */
  choose(
    count: number,
    allows: (info: RouterInfo) => boolean,
    take: (info: RouterInfo) => void,
  ): RouterInfo[] {
    const hops: RouterInfo[] = [];
    const explores = this.#explores();
    while (hops.length < count) {
      const fresh = this.#request.purpose === 'client' ? this.#explores() : explores && hops.length === 0;
      const first = fresh ? this.#pickOther(allows) : this.#pickProven(allows);
      const hop = first ?? (fresh ? this.#pickProven(allows) : this.#pickOther(allows));
      if (!hop) break;
      take(hop);
      hops.push(hop);
    }
    // Always in one order: who is in many tunnels of a pool is always as far from us, and does not meet all our neighbours.
    return hops.sort((a, b) => this.#rank(a) - this.#rank(b));
  }

  /** Whether somebody new is tried now. */
  #explores(): boolean {
    const share = PROVEN_SHARE[this.#request.purpose] * Math.min(1, this.#proven.length / ENOUGH_PROVEN);
    return randomBelow(this.#request.random, RESOLUTION) >= share * RESOLUTION;
  }

  #pickProven(accept: (info: RouterInfo) => boolean): RouterInfo | undefined {
    const fit = this.#proven.filter(({ info }) => accept(info)).sort((a, b) => a.lastUse - b.lastUse);
    const rotated = fit.slice(0, Math.max(MIN_ROTATED, Math.ceil(fit.length * ROTATED)));
    return pickWeighted(this.#request.random, rotated, ({ score }) => score)?.info;
  }

  #pickOther(accept: (info: RouterInfo) => boolean): RouterInfo | undefined {
    const { profiles, purpose, random, now } = this.#request;
    const drawn: RouterInfo[] = [];
    for (const info of shuffled(random, this.#others)) {
      if (accept(info)) drawn.push(info);
      if (drawn.length >= DRAWN) break;
    }
    return pickWeighted(random, drawn, (info) => hopScore(info, profiles.get(info.hash, now), purpose, now));
  }

  #rank(info: RouterInfo): number {
    return (peerFacts(info).place ^ this.#request.order) >>> 0;
  }
}

function isProven(profile: Profile): boolean {
  const { accepted } = profile.counts;
  return (
    accepted >= PROVEN_ACCEPTED && buildRate(profile) >= PROVEN_RATE && testRate(profile) >= PROVEN_TESTS
  );
}
