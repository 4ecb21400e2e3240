import type { RouterInfo } from '../wire/router-info.ts';
import { assumedPortShare, type PortShare } from './exit-policy.ts';
import { peerFacts } from './peer-facts.ts';
import { type Profile, successRate } from './profile.ts';

/**
 * What a router says of itself to be dialled gains it half at most: cost and port together. Exits refuse few I2P ports
 * for good, and Java routers that block one exit may let another in; a Sybil claims whatever pays.
 */
const COST_WEIGHT = { 'i2pd-like': 1.3, 'java-like': 1 } as const;
const PORT_GAIN = 0.15;
/** Ports below this share are as good as closed. */
const CLOSED_SHARE = 0.1;
const CLOSED_WEIGHT = 0.05;
/** A RouterInfo that is older (ms) is of a router that may be gone. */
const FRESH = 12 * 3_600_000;
const STALE_WEIGHT = 0.3;
/** Slow ones are taken less, and more than enough gives nothing. */
const SLOW_WEIGHT = { K: 0.1, L: 0.7 } as const;
/** Proposal 162: D is taken less, E rarely, G refuses all tunnels. */
const CONGESTION_WEIGHT = { D: 0.7, E: 0.2, G: 0 } as const;

/** Chance of a router among all to be drawn as a first hop: 0 (never), else nearly the same for everybody. */
export function firstHopWeight(
  info: RouterInfo,
  { counts }: Profile,
  now: number,
  portShare: PortShare = assumedPortShare,
): number {
  const { usable, dialable, bandwidth, congestion, implementation } = peerFacts(info);
  if (!usable || dialable.length === 0 || bandwidth === undefined) return 0;
  const share = Math.max(...dialable.map(({ port }) => portShare(port)));
  const port = share < CLOSED_SHARE ? CLOSED_WEIGHT : 1 + PORT_GAIN * share;
  const slow = bandwidth in SLOW_WEIGHT ? SLOW_WEIGHT[bandwidth as keyof typeof SLOW_WEIGHT] : 1;
  const busy = congestion ? CONGESTION_WEIGHT[congestion] : 1;
  const age = now - info.published > FRESH ? STALE_WEIGHT : 1;
  // What we saw of it can only lower its chance: who always answers is not better than who was never asked.
  const answers = successRate(counts.established, counts.connectFailed + counts.handshakeFailed, 1, 1);
  return COST_WEIGHT[implementation] * port * slow * busy * age * answers;
}
