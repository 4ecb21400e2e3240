import { type RandomBytes, shuffled } from '@allium/common/core/random.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { Diversity, type DiversityRules } from './diversity.ts';
import { FarHops } from './far-hops.ts';
import { peerFacts } from './peer-facts.ts';
import type { ProfileTable } from './profile-table.ts';
import { hopScore, type Purpose } from './score.ts';
import { pickWeighted } from './weighted.ts';

/** Longest tunnel, as everywhere in I2P. */
export const MAX_HOPS = 7;
/** Neighbours see our tunnels begin: with so many others at hand they see none end, or pass by. */
export const ENOUGH_STRANGERS = 24;
/**
 * Largest share of our tunnels that may begin at one peer while others could take them: whoever is next to us sees
 * when and how much we send.
 */
export const MAX_FIRST_HOP_SHARE = 0.34;
/** Tunnels per first hop that are allowed whatever the share, or a young router could build nothing. */
export const MIN_PER_FIRST_HOP = 2;
/** In a small network the first choice may leave no second; another draw costs little. */
const ATTEMPTS = 4;

export interface SelectRequest {
  readonly direction: 'inbound' | 'outbound';
  /** hops, 1 to 7 */
  readonly length: number;
  readonly purpose: Purpose;
  /** a secret number of the pool that the tunnel is for */
  readonly order: number;
  readonly candidates: Iterable<RouterInfo>;
  /** first hops with a live session: all tunnels begin or end there */
  readonly connected: ReadonlySet<RouterHash>;
  /** everybody with a session: no far hops, or one would see both ends of a tunnel, or of two */
  readonly neighbours: ReadonlySet<RouterHash>;
  /** tunnels by their hop next to us */
  readonly firstHops: ReadonlyMap<RouterHash, number>;
  /** routers not to be used: ourselves, and whom the caller names */
  readonly exclude: ReadonlySet<RouterHash>;
  readonly profiles: ProfileTable;
  readonly random: RandomBytes;
  readonly now: number;
}

export type Selection =
  /** gateway first for inbound, the hop next to us first for outbound */
  | { readonly kind: 'hops'; readonly hops: readonly RouterInfo[] }
  /** no router fits this place */
  | { readonly kind: 'none'; readonly missing: 'adjacent' | 'middle' | 'gateway' | 'endpoint' };

/**
 * Hops of a new tunnel. Next to us: a connected first hop, with an NTCP2 address that we can dial. Everywhere else:
 * reachable by anybody, and no neighbour of ours unless the network is small. No two of one network or family.
 */
export function selectHops(request: SelectRequest, rules: DiversityRules): Selection {
  const { length } = request;
  if (!(length >= 1 && length <= MAX_HOPS)) throw new RangeError(`tunnel of ${length} hops`);
  const usable = [...request.candidates].filter(
    (info) => peerFacts(info).usable && peerFacts(info).congestion !== 'G' && !request.exclude.has(info.hash),
  );
  const reachable = usable.filter((info) => peerFacts(info).reachable);
  const strangers = reachable.filter(({ hash }) => !request.neighbours.has(hash));
  const far = new FarHops(request, strangers.length >= ENOUGH_STRANGERS ? strangers : reachable);
  let selection = selectOnce(request, rules, usable, far);
  for (let i = 1; i < ATTEMPTS && selection.kind === 'none'; i++) {
    selection = selectOnce(request, rules, usable, far);
  }
  return selection;
}

function selectOnce(
  request: SelectRequest,
  rules: DiversityRules,
  usable: readonly RouterInfo[],
  far: FarHops,
): Selection {
  const { direction, length } = request;
  const taken = new Diversity(rules);
  const adjacent = pickAdjacent(request, usable);
  if (!adjacent) return { kind: 'none', missing: 'adjacent' };
  taken.add(adjacent);
  const others = far.choose(
    length - 1,
    (info) => taken.allows(info),
    (info) => taken.add(info),
  );
  const hops = [adjacent, ...others];
  if (hops.length < length) return { kind: 'none', missing: placeOf(direction, hops.length, length) };
  return { kind: 'hops', hops: direction === 'inbound' ? hops.reverse() : hops };
}

function pickAdjacent(request: SelectRequest, usable: readonly RouterInfo[]): RouterInfo | undefined {
  const { connected, length } = request;
  // with one hop it is gateway or endpoint too
  const fit = usable.filter(
    (info) =>
      connected.has(info.hash) &&
      peerFacts(info).dialable.length > 0 &&
      (length > 1 || peerFacts(info).reachable),
  );
  return pickByScore(request, fit, underShare(request)) ?? pickLeastUsed(request, fit);
}

/** Whether a peer may become the first hop of one more tunnel. */
function underShare({ firstHops }: SelectRequest): (info: RouterInfo) => boolean {
  let total = 0;
  for (const count of firstHops.values()) total += count;
  const limit = Math.max(MIN_PER_FIRST_HOP, Math.floor((total + 1) * MAX_FIRST_HOP_SHARE));
  return ({ hash }) => (firstHops.get(hash) ?? 0) < limit;
}

/** All are over their share: too few peers, so the load is spread and the tunnel still built. */
function pickLeastUsed(
  { firstHops, random }: SelectRequest,
  pool: readonly RouterInfo[],
): RouterInfo | undefined {
  const used = ({ hash }: RouterInfo): number => firstHops.get(hash) ?? 0;
  return shuffled(random, pool).sort((a, b) => used(a) - used(b))[0];
}

function pickByScore(
  { profiles, purpose, random, now }: SelectRequest,
  pool: readonly RouterInfo[],
  accept: (info: RouterInfo) => boolean,
): RouterInfo | undefined {
  const fit = pool.filter(accept);
  return pickWeighted(random, fit, (info) => hopScore(info, profiles.get(info.hash, now), purpose, now));
}

function placeOf(
  direction: 'inbound' | 'outbound',
  at: number,
  length: number,
): 'middle' | 'gateway' | 'endpoint' {
  if (at < length - 1) return 'middle';
  return direction === 'inbound' ? 'gateway' : 'endpoint';
}
