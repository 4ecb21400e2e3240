import { decode, encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { type RandomBytes, randomBelow, randomU32 } from '@allium/common/core/random.ts';
import { isRouterHash, type RouterHash } from '../wire/hash.ts';
import type { RouterInfo } from '../wire/router-info.ts';
import { Diversity, type DiversityRules } from './diversity.ts';
import type { PortShare } from './exit-policy.ts';
import { type FirstHop, firstHopCodec, inOrder, shifted } from './first-hop-row.ts';
import { firstHopWeight } from './first-hop-weight.ts';
import type { ProfileTable } from './profile-table.ts';

/** First hops in use: enough for many Destinations, without showing the network to one exit. */
export const LIVE_FIRST_HOPS = 24;
/** Drawn beforehand, so that who fails is replaced by somebody whom chance has chosen already. */
export const SAMPLED = 60;
/** With those that were of use before and don't answer now. */
export const MAX_SAMPLED = 120;

const DAY = 24 * 3_600_000;
/** ms that one stays: this, and up to as much again at random. */
export const STAY = 30 * DAY;
/** From so few candidates one draws what somebody else has chosen: such first hops stay for a day or two only. */
export const FEW_CANDIDATES = 200;
export const SHORT_STAY = DAY;
/** A RouterInfo older than this (ms) is no sign of life. */
export const LISTED_AGE = 3 * DAY;
/** ms without a RouterInfo after which one is given up. */
export const UNLISTED_FOR = 7 * DAY;

const RESOLUTION = 0x1_0000_0000;

export interface FirstHopsConfig extends DiversityRules {
  readonly random: RandomBytes;
  readonly profiles: ProfileTable;
  /** measured over the control port, or assumed */
  readonly portShare?: PortShare;
}

export interface Surroundings {
  readonly known: (router: RouterHash) => RouterInfo | undefined;
  readonly candidates: Iterable<RouterInfo>;
  readonly connected: ReadonlySet<RouterHash>;
  /** ourselves */
  readonly exclude: ReadonlySet<RouterHash>;
  /** false: it failed and rests */
  readonly mayDial: (router: RouterHash) => boolean;
  readonly now: number;
}

/**
 * Whom tunnels may begin at: drawn by lot from all that are known, one of each network and family, kept over restarts
 * and for weeks, the longest proven first. Nobody gets in by connecting to us, by being fast, or by being many.
 */
export class FirstHops {
  readonly #config: FirstHopsConfig;
  readonly #hops = new Map<RouterHash, FirstHop>();
  readonly #dirty = new Map<RouterHash, FirstHop | undefined>();

  constructor(config: FirstHopsConfig) {
    this.#config = config;
  }

  get all(): ReadonlySet<RouterHash> {
    return new Set(this.#hops.keys());
  }

  /** Rows of the host's store; damaged and future ones are deleted, as are those over `MAX_SAMPLED`. */
  load(rows: Iterable<{ readonly key: string; readonly value: Uint8Array }>, now: number): void {
    for (const { key, value } of rows) {
      const hop = isRouterHash(key) ? readRow(value) : undefined;
      const good = hop && hop.drawnAt <= now && this.#hops.size < MAX_SAMPLED;
      if (good) this.#hops.set(key as RouterHash, hop);
      else this.#dirty.set(key as RouterHash, undefined);
    }
  }

  /** Gives up who has had its time or is gone, and draws others for them. */
  refresh(around: Surroundings): void {
    for (const [hash, hop] of [...this.#hops]) this.#review(hash, hop, around);
    const active = [...this.#hops.keys()].filter(
      (hash) => around.connected.has(hash) || around.mayDial(hash),
    );
    const room = Math.min(SAMPLED - active.length, MAX_SAMPLED - this.#hops.size);
    if (room > 0) this.#draw(room, around);
  }

  /** Those to be connected with, the first in order that are or may be; `LIVE_FIRST_HOPS` at most. */
  live({ known, connected, mayDial }: Surroundings): RouterInfo[] {
    const taken = new Diversity(this.#config);
    const live: RouterInfo[] = [];
    for (const [hash] of [...this.#hops].sort(([, a], [, b]) => inOrder(a, b))) {
      if (!connected.has(hash) && !mayDial(hash)) continue;
      const info = known(hash);
      // a router may have moved to where another is
      if (!info || !taken.allows(info)) continue;
      taken.add(info);
      live.push(info);
      if (live.length >= LIVE_FIRST_HOPS) break;
    }
    return live;
  }

  /** A session with it was established. */
  proven(hash: RouterHash, now: number): void {
    const hop = this.#hops.get(hash);
    if (hop?.provenAt === 0) this.#set(hash, { ...hop, provenAt: now });
  }

  /** The clock was moved by so many ms. */
  shift(by: number): void {
    for (const [hash, hop] of [...this.#hops]) this.#set(hash, shifted(hop, by));
  }

  /** Rows to write, or (without value) to delete, since the last call. */
  takeRows(): { readonly key: RouterHash; readonly value?: Uint8Array }[] {
    const rows = [...this.#dirty].map(([key, hop]) =>
      hop ? { key, value: encode(firstHopCodec, hop) } : { key },
    );
    this.#dirty.clear();
    return rows;
  }

  #set(hash: RouterHash, hop: FirstHop | undefined): void {
    if (hop) this.#hops.set(hash, hop);
    else this.#hops.delete(hash);
    this.#dirty.set(hash, hop);
  }

  #review(hash: RouterHash, hop: FirstHop, { known, connected, exclude, mayDial, now }: Surroundings): void {
    const info = known(hash);
    const listed = connected.has(hash) || (info !== undefined && now - info.published < LISTED_AGE);
    const gone = hop.unlistedSince > 0 && !listed && now - hop.unlistedSince >= UNLISTED_FOR;
    // who never answered has no claim: another is drawn at once, and it may be drawn again when it has rested
    const useless = hop.provenAt === 0 && !connected.has(hash) && !mayDial(hash);
    if (gone || useless || now >= hop.until || exclude.has(hash)) return this.#set(hash, undefined);
    if (listed === (hop.unlistedSince === 0)) return;
    this.#set(hash, { ...hop, unlistedSince: listed ? 0 : now });
  }

  #draw(room: number, { candidates, known, exclude, mayDial, now }: Surroundings): void {
    const { random, profiles, portShare } = this.#config;
    const taken = new Diversity(this.#config);
    for (const hash of this.#hops.keys()) {
      const info = known(hash);
      if (info) taken.add(info);
    }
    let candidatesSeen = 0;
    const lots: { info: RouterInfo; lot: number }[] = [];
    for (const info of candidates) {
      candidatesSeen++;
      const { hash } = info;
      if (this.#hops.has(hash) || exclude.has(hash) || !taken.allows(info) || !mayDial(hash)) continue;
      const weight = firstHopWeight(info, profiles.get(hash, now), now, portShare);
      if (weight > 0) lots.push({ info, lot: lotOf(random, weight) });
    }
    lots.sort((a, b) => a.lot - b.lot);
    const stay = candidatesSeen < FEW_CANDIDATES ? SHORT_STAY : STAY;
    let left = room;
    for (const { info } of lots) {
      if (left === 0) return;
      if (!taken.allows(info)) continue;
      taken.add(info);
      left--;
      this.#set(info.hash, {
        rank: randomU32(random),
        drawnAt: now,
        until: now + stay + Math.floor((stay * randomBelow(random, RESOLUTION)) / RESOLUTION),
        provenAt: 0,
        unlistedSince: 0,
      });
    }
  }
}

/** Smaller is earlier: an exponential variable, so that the order is that of a weighted draw (Efraimidis, Spirakis 2006). */
function lotOf(random: RandomBytes, weight: number): number {
  return -Math.log((randomBelow(random, RESOLUTION) + 1) / RESOLUTION) / weight;
}

function readRow(value: Uint8Array): FirstHop | undefined {
  try {
    return decode(firstHopCodec, value);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
