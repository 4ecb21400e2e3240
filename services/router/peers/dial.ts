import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { hmacSha256 } from '../crypto/hash.ts';
import { hashBytes, type RouterHash } from '../wire/hash.ts';
import type { Ntcp2Address } from '../wire/router-caps.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { peerFacts } from './peer-facts.ts';

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
/** ms; who hangs up more than once within this time is dialled again at once only the first time. */
export const HANG_UP_WINDOW = 10 * 60_000;
/** Rest (ms) after the second hang-up; doubles with every further one. */
export const HANG_UP_REST = 1_000;
export const MAX_HANG_UP_REST = 60_000;
/** From so many hang-ups within the window on, tunnels begin elsewhere. */
export const FICKLE = 4;
/** Peers whose failures are remembered. */
export const MAX_FAILED = 4_000;
/** Pause (ms) between two looks for somebody to dial when nobody is eligible. */
const IDLE_PAUSE = 10_000;

interface HangUps {
  readonly count: number;
  /** ms, of the last one */
  readonly at: number;
  /** ms; no dial before */
  readonly until: number;
}

interface Failures {
  /** in a row */
  readonly count: number;
  /** ms */
  readonly until: number;
  /** the peer said no, and would say so to another exit */
  readonly final: boolean;
}

export interface DialRequest {
  /** with whom we want a session, in the order in which they are wanted */
  readonly wanted: Iterable<RouterInfo>;
  readonly connected: ReadonlySet<RouterHash>;
  readonly dialing: ReadonlySet<RouterHash>;
  readonly now: number;
}

export interface Dial {
  readonly router: RouterInfo;
  readonly address: Ntcp2Address;
  /** streams of one name may share a Tor circuit */
  readonly isolation: string;
}

/** When to connect to a peer, and over which circuit. It holds no connections; node tells it what became of them. */
export class DialPlanner {
  /** hides from exits which peers share a bucket; lives as long as the process */
  readonly #secret: Uint8Array;
  readonly #failures = new BoundedMap<RouterHash, Failures>(MAX_FAILED);
  readonly #hangUps = new BoundedMap<RouterHash, HangUps>(MAX_FAILED);

  constructor(random: RandomBytes) {
    this.#secret = random(32);
  }

  /** New dials in the order wanted, as many as may be under way. */
  plan({ wanted, connected, dialing, now }: DialRequest): Dial[] {
    const dials: Dial[] = [];
    for (const info of wanted) {
      if (dials.length >= MAX_DIALS - dialing.size) break;
      const { hash } = info;
      if (connected.has(hash) || dialing.has(hash) || !this.mayDial(hash, now)) continue;
      const dial = this.dial(info);
      if (dial) dials.push(dial);
    }
    return dials;
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
    const failed = this.#failures.get(hash)?.until ?? 0;
    return Math.max(failed, this.#hangUps.get(hash)?.until ?? 0) <= now;
  }

  /** An established session ended, not by us; true when it is to be opened again soon. */
  hungUp(hash: RouterHash, now: number): boolean {
    const before = this.#hangUps.get(hash);
    const count = before && now < before.at + HANG_UP_WINDOW ? before.count + 1 : 1;
    const rest = count === 1 ? 0 : Math.min(MAX_HANG_UP_REST, HANG_UP_REST * 2 ** (count - 2));
    this.#hangUps.set(hash, { count, at: now, until: now + rest });
    return count < FICKLE;
  }

  /** It hangs up again and again. */
  fickle(hash: RouterHash, now: number): boolean {
    const last = this.#hangUps.get(hash);
    return last !== undefined && last.count >= FICKLE && now < last.at + HANG_UP_WINDOW;
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
    this.#hangUps.clear();
  }

  /** The clock was moved, and every rest was measured by it. */
  forget(): void {
    this.#failures.clear();
    this.#hangUps.clear();
  }

  /** When planning again is worth it, ms, if nothing else happens. */
  wakeAt(now: number): number {
    let at = now + IDLE_PAUSE;
    for (const { until } of this.#hangUps.values()) if (until > now) at = Math.min(at, until);
    return at;
  }
}
