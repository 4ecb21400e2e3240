import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { hmacSha256 } from '../crypto/hash.ts';
import { hashBytes, type RouterHash } from '../wire/hash.ts';
import type { Ntcp2Address } from '../wire/router-caps.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { assumedPortShare, type PortShare } from './exit-policy.ts';
import { peerFacts } from './peer-facts.ts';
import type { ProfileTable } from './profile-table.ts';
import { dialScore } from './score.ts';
import { pickWeighted } from './weighted.ts';

/** Sessions that we like to hold: first hops to choose among, without showing the network to one exit. */
export const TARGET_SESSIONS = 24;
/** Dials under way at once; each may cost Tor a new circuit. */
export const MAX_DIALS = 4;
/** Fixed Tor isolation groups: not a circuit per peer, nor one exit that sees all peers. */
export const ISOLATION_BUCKETS = 12;
/** Further buckets tried after a failure: another exit may not be blocked. Then the peer rests for long. */
export const MAX_BUCKET_RETRIES = 2;
/** Pause (ms) before the next try over another bucket. */
export const RETRY_PAUSE = 60_000;
/** Rest (ms) after all buckets failed; doubles with every further round. Java clears its blocks after 10-45 minutes. */
export const REST = 60 * 60_000;
export const MAX_REST = 12 * 3_600_000;
/** Peers whose failures are remembered. */
export const MAX_FAILED = 4_000;
/** Pause (ms) between two looks for somebody to dial when nobody is eligible. */
const IDLE_PAUSE = 10_000;
/** Best candidates among which chance decides. */
const DRAWN = 48;

interface Failures {
  /** in a row */
  readonly count: number;
  /** ms */
  readonly until: number;
  /** the peer said no, and would say so to another exit */
  readonly final: boolean;
}

export interface DialRequest {
  readonly candidates: Iterable<RouterInfo>;
  /** peers with a session, or being dialled */
  readonly connected: ReadonlySet<RouterHash>;
  readonly dialing: ReadonlySet<RouterHash>;
  /** ourselves, and whom the operator blocks */
  readonly exclude: ReadonlySet<RouterHash>;
  readonly now: number;
}

export interface Dial {
  readonly router: RouterInfo;
  readonly address: Ntcp2Address;
  /** streams of one name may share a Tor circuit */
  readonly isolation: string;
}

export interface DialConfig {
  readonly random: RandomBytes;
  readonly profiles: ProfileTable;
  readonly targetSessions?: number;
  /** measured over the control port, or assumed */
  readonly portShare?: PortShare;
}

/** Which peers to connect to, when and over which circuit. It holds no connections; node tells it what became of them. */
export class DialPlanner {
  readonly #config: DialConfig;
  readonly #target: number;
  /** hides from exits which peers share a bucket; lives as long as the process */
  readonly #secret: Uint8Array;
  readonly #failures = new BoundedMap<RouterHash, Failures>(MAX_FAILED);

  constructor(config: DialConfig) {
    this.#config = config;
    this.#target = config.targetSessions ?? TARGET_SESSIONS;
    this.#secret = config.random(32);
  }

  /** New dials, best first, up to the number of sessions wanted. Empty while there are enough or nobody is eligible. */
  plan({ candidates, connected, dialing, exclude, now }: DialRequest): Dial[] {
    const wanted = Math.min(this.#target - connected.size - dialing.size, MAX_DIALS - dialing.size);
    if (wanted <= 0) return [];
    const eligible: RouterInfo[] = [];
    for (const info of candidates) {
      const { hash } = info;
      if (connected.has(hash) || dialing.has(hash) || exclude.has(hash)) continue;
      if (peerFacts(info).usable && this.mayDial(hash, now)) eligible.push(info);
    }
    return this.#best(eligible, wanted, now).flatMap((info) => this.dial(info) ?? []);
  }

  /** How to reach this router now, e.g. because a tunnel begins at it; undefined when it has no address for us. */
  dial(info: RouterInfo): Dial | undefined {
    const { dialable } = peerFacts(info);
    const tries = this.#failures.get(info.hash)?.count ?? 0;
    // IPv6 gets its turn on retries: some block lists know only IPv4 exits
    const address = dialable[tries % Math.max(1, dialable.length)];
    return address && { router: info, address, isolation: this.isolation(info.hash) };
  }

  mayDial(hash: RouterHash, now: number): boolean {
    return (this.#failures.get(hash)?.until ?? 0) <= now;
  }

  /** Name of the bucket for the next dial to this peer; moves on with every failure, within `MAX_BUCKET_RETRIES`. */
  isolation(hash: RouterHash): string {
    const home = Buffer.from(hmacSha256(this.#secret, hashBytes(hash))).readUInt32BE(0);
    const retry = (this.#failures.get(hash)?.count ?? 0) % (MAX_BUCKET_RETRIES + 1);
    return `peers-${(home + retry) % ISOLATION_BUCKETS}`;
  }

  /** The peer or its exit failed. `final`: the peer gave a reason that another exit won't change. */
  failed(hash: RouterHash, now: number, final = false): void {
    const before = this.#failures.get(hash)?.count ?? 0;
    const round = Math.floor(before / (MAX_BUCKET_RETRIES + 1));
    const count = final ? (round + 1) * (MAX_BUCKET_RETRIES + 1) : before + 1;
    const roundOver = count % (MAX_BUCKET_RETRIES + 1) === 0;
    const pause = roundOver ? Math.min(MAX_REST, REST * 2 ** Math.min(round, 10)) : RETRY_PAUSE;
    this.#failures.set(hash, { count, until: now + pause, final });
  }

  /** A session was established. */
  succeeded(hash: RouterHash): void {
    this.#failures.delete(hash);
  }

  /** Tor itself was away, or the machine slept: what failed says nothing about the peers, but for those who said no. */
  forgive(): void {
    this.#failures.prune(({ final }) => !final);
  }

  /** The clock was moved, and every rest was measured by it. */
  forget(): void {
    this.#failures.clear();
  }

  /** When planning again is worth it, ms, if nothing else happens. */
  wakeAt(now: number): number {
    return now + IDLE_PAUSE;
  }

  #best(eligible: readonly RouterInfo[], wanted: number, now: number): RouterInfo[] {
    const { profiles, random, portShare = assumedPortShare } = this.#config;
    const scored = eligible
      .map((info) => ({ info, score: dialScore(info, profiles.get(info.hash, now), now, portShare) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score)
      .slice(0, DRAWN);
    const picked: RouterInfo[] = [];
    while (picked.length < wanted) {
      const left = scored.filter(({ info }) => !picked.includes(info));
      const next = pickWeighted(random, left, ({ score }) => score);
      if (!next) break;
      picked.push(next.info);
    }
    return picked;
  }
}
