import type { RouterInfo } from '../wire/router-info.ts';
import { type PeerFacts, peerFacts } from './peer-facts.ts';
import { DECLINED_AS_FAILURE, type Profile, successRate } from './profile.ts';

/** What the tunnel is for: client tunnels avoid floodfills, which others load already. */
export type Purpose = 'client' | 'exploratory';

/** A peer is never worth less than this while the rules allow it: everybody is tried again some day. */
const FLOOR = 0.01;

/** Proposal 162: D is taken less, E rarely, G refuses all tunnels. */
const CONGESTION_WEIGHT = { D: 0.5, E: 0.15, G: 0 } as const;
/** Published bandwidth counts as a class only, and not for much: anybody can claim an X. */
const BANDWIDTH_WEIGHT = { K: 0.1, L: 0.4, M: 0.6, N: 0.8, O: 1, P: 1.2, X: 1.2 } as const;
const FLOODFILL_WEIGHT = 0.4;

const BUILD_PRIOR = 0.5;
const TEST_PRIOR = 0.8;

/** A RouterInfo of this age (ms) is worth half, and a tenth at four times it: routers come and go within hours. */
export const HALF_WORTH_AGE = 3 * 3_600_000;
const AGE_POWER = Math.log(9) / Math.log(4);

/** How good a hop `info` would make, 0 (never) upwards; by its own caps and what builds showed. */
export function hopScore(info: RouterInfo, profile: Profile, purpose: Purpose, now: number): number {
  const facts = peerFacts(info);
  const published = capsScore(facts, purpose);
  if (published === 0) return 0;
  const { accepted, declined, buildTimeout, tested, testFailed, connected, connectFailed } = profile.counts;
  const builds = successRate(accepted, declined * DECLINED_AS_FAILURE + buildTimeout, BUILD_PRIOR);
  const young = Math.max(ageWorth(now - info.published), ageWorth(now - profile.lastUse));
  const tests = successRate(tested, testFailed, TEST_PRIOR);
  // Who never let us in may only block exits. Who did and does not now is probably gone for others too.
  const present = connected > 0 ? successRate(connected, connectFailed, 1, 1) : 1;
  return Math.max(FLOOR, published * builds * tests * present * young);
}

/** What a sign of life of this age (ms) is worth, 0 to 1. */
function ageWorth(age: number): number {
  return 1 / (1 + (Math.max(0, age) / HALF_WORTH_AGE) ** AGE_POWER);
}

function capsScore({ bandwidth, congestion, floodfill }: PeerFacts, purpose: Purpose): number {
  if (bandwidth === undefined) return 0;
  const busy = congestion ? CONGESTION_WEIGHT[congestion] : 1;
  const shared = floodfill && purpose === 'client' ? FLOODFILL_WEIGHT : 1;
  return BANDWIDTH_WEIGHT[bandwidth] * busy * shared;
}
