import type { Counters } from '@allium/common/observe/counters.ts';
import { EXPLORATORY } from '../tunnel/pool-id.ts';
import { hashBytes, type RouterHash } from '../wire/hash.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import type { FloodfillChoice } from './floodfill-choice.ts';
import { QUERY_TIMEOUT } from './lookup.ts';
import type { NetDbQuery } from './netdb-events.ts';

/** RouterInfos asked for at once, so that a flood of search replies becomes no flood of queries. */
export const MAX_FETCHES = 24;

/** A floodfill's answer "I don't have it, ask these", whatever the question was. */
export interface Reply {
  readonly query: number | undefined;
  /** Base64 of the sought hash */
  readonly key: string;
  readonly from: RouterHash;
  readonly named: readonly RouterHash[];
}

interface Fetch {
  readonly id: number;
  readonly from: RouterHash;
  readonly until: number;
}

/**
 * RouterInfos that one floodfill named and is asked for: one try each. Used for leads of lookups and for what
 * exploration finds.
 */
export class Fetches {
  readonly #open = new Map<RouterHash, Fetch>();
  readonly #choice: FloodfillChoice;
  readonly #counters: Counters;
  readonly #nextId: () => number;

  constructor(choice: FloodfillChoice, counters: Counters, nextId: () => number) {
    this.#choice = choice;
    this.#counters = counters;
    this.#nextId = nextId;
  }

  get size(): number {
    return this.#open.size;
  }

  has(hash: RouterHash): boolean {
    return this.#open.has(hash);
  }

  start(hash: RouterHash, from: RouterInfo, now: number): NetDbQuery | undefined {
    if (this.#open.has(hash)) return undefined;
    if (this.#open.size >= MAX_FETCHES) {
      this.#counters.add('fetch-refused');
      return undefined;
    }
    const id = this.#nextId();
    this.#open.set(hash, { id, from: from.hash, until: now + QUERY_TIMEOUT });
    this.#counters.add('fetch');
    return {
      kind: 'query',
      id,
      to: from,
      pool: EXPLORATORY,
      what: 'routerInfo',
      key: hashBytes(hash),
      exclude: [],
    };
  }

  /** The RouterInfo came, from wherever. */
  arrived(hash: RouterHash): void {
    const fetch = this.#open.get(hash);
    if (!fetch) return;
    this.#open.delete(hash);
    this.#choice.answered(fetch.from);
    this.#counters.add('fetch-found');
  }

  /** The floodfill named a router that it doesn't know itself. Returns the hash when the reply was ours. */
  replied({ query, key, from }: Reply): RouterHash | undefined {
    const fetch = this.#open.get(key as RouterHash);
    if (!fetch || (query === undefined ? fetch.from !== from : fetch.id !== query)) return undefined;
    this.#open.delete(key as RouterHash);
    this.#choice.answered(fetch.from);
    this.#counters.add('fetch-not-found');
    return key as RouterHash;
  }

  unsent(id: number): boolean {
    for (const [hash, fetch] of this.#open) {
      if (fetch.id === id) return this.#open.delete(hash);
    }
    return false;
  }

  /** Ends what took too long. */
  tick(now: number): void {
    for (const [hash, { from, until }] of this.#open) {
      if (now < until) continue;
      this.#open.delete(hash);
      this.#choice.silent(from, now);
      this.#counters.add('fetch-timeout');
    }
  }

  wakeAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { until } of this.#open.values()) at = Math.min(at, until);
    return at;
  }
}
