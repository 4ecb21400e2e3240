import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { RouterHash } from '../wire/hash.ts';

/**
 * What a neighbour's throttles take of us. Java reads 7 build requests of one sender in 110 s and drops the rest unread
 * (RequestThrottler), and lets 4 tunnels in 220 s pass between it and one peer (ParticipatingThrottler); a busy one reads
 * 27 and lets 22 pass. How busy it is shows only in that it answers.
 */
export const REQUEST_WINDOW = 110_000;
export const TUNNEL_WINDOW = 220_000;
export const MIN_REQUESTS = 6;
export const MAX_REQUESTS = 26;
export const MIN_TUNNELS = 4;
export const MAX_TUNNELS = 22;
/** Builds remembered for one neighbour: more than the windows hold. */
const MAX_REMEMBERED = 64;
/** Neighbours remembered: more than there are first hops. */
const MAX_NEIGHBOURS = 256;

interface Spent {
  /** ms, of requests that we sent it ourselves */
  readonly requests: number[];
  /** ms, of all builds through it */
  readonly tunnels: number[];
  /** what it took beyond the least: grows with each answer, halves with each silence */
  credit: number;
}

/** How many builds each neighbour gets. */
export class HopBudget {
  readonly #spent = new BoundedMap<RouterHash, Spent>(MAX_NEIGHBOURS);

  /** Whether one more build may pass it; `direct`: it gets the request from us. */
  allows(neighbour: RouterHash, direct: boolean, now: number): boolean {
    const spent = this.#spent.get(neighbour);
    if (!spent) return true;
    const { requests, tunnels, credit } = spent;
    if (count(tunnels, now, TUNNEL_WINDOW) >= Math.min(MAX_TUNNELS, MIN_TUNNELS + credit)) return false;
    return !direct || count(requests, now, REQUEST_WINDOW) < Math.min(MAX_REQUESTS, MIN_REQUESTS + credit);
  }

  /** Builds through it of the last minutes. */
  load(neighbour: RouterHash, now: number): number {
    return count(this.#spent.get(neighbour)?.tunnels ?? [], now, TUNNEL_WINDOW);
  }

  started(neighbour: RouterHash, direct: boolean, now: number): void {
    const spent = this.#spent.get(neighbour) ?? { requests: [], tunnels: [], credit: 0 };
    this.#spent.set(neighbour, spent);
    remember(spent.tunnels, now);
    if (direct) remember(spent.requests, now);
  }

  /** A build through it was answered: it reads what we send. */
  answered(neighbour: RouterHash): void {
    const spent = this.#spent.get(neighbour);
    if (spent) spent.credit = Math.min(MAX_REQUESTS, spent.credit + 1);
  }

  /** Builds through it vanish: it may have begun to drop them. */
  silent(neighbour: RouterHash): void {
    const spent = this.#spent.get(neighbour);
    if (spent) spent.credit = Math.floor(spent.credit / 2);
  }

  /** The clock was moved. */
  clear(): void {
    this.#spent.clear();
  }
}

function count(times: readonly number[], now: number, window: number): number {
  return times.filter((at) => at > now - window && at <= now).length;
}

function remember(times: number[], now: number): void {
  times.push(now);
  if (times.length > MAX_REMEMBERED) times.shift();
}
