import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { RouterHash } from '../wire/hash.ts';

/** Lost builds in a row through one neighbour from which on it may be the neighbour. */
export const SILENT_AFTER = 3;
/** And so unlikely must they be by what is lost through the others. */
const UNLIKELY = 0.05;
/** Builds through others from which on their part of success says something; before, half of it is assumed. */
const ENOUGH_OTHERS = 8;
/** Builds through a neighbour from which on its own part of success is held against the others'. */
const ENOUGH_OWN = 12;
/** ms until a count is worth half: neighbours get better and worse within the hour. */
const HALF_LIFE = 30 * 60_000;
/** ms for which tunnels begin elsewhere after a neighbour was found guilty. */
export const BENCH = 15 * 60_000;
/** ms after which a lost build is held against all its hops, if the neighbour shows neither that it works nor that it does not. */
export const VERDICT_AFTER = 60_000;
/** And while the neighbour itself is in doubt. */
export const DOUBTFUL_VERDICT_AFTER = 300_000;
/** Lost builds in a row, through whomever, from which on it may be our own side that nobody hears. */
export const ALL_SILENT = 6;
/** Lost builds of a neighbour whose verdict waits. */
const MAX_PENDING = 16;
const MAX_NEIGHBOURS = 256;

export interface LostBuild {
  readonly neighbour: RouterHash;
  /** all its hops */
  readonly hops: readonly RouterHash[];
  /** ms */
  readonly started: number;
}

/** Whose fault a lost build is. */
export interface Verdict {
  /** one of these */
  readonly guilty: readonly RouterHash[];
  /** the neighbour whose builds all vanish */
  readonly silent?: RouterHash;
}

interface Record {
  answered: number;
  lost: number;
  /** ms, of the counts */
  at: number;
  inRow: number;
  /** ms */
  lastAnswer: number;
  /** ms; tunnels begin elsewhere until then */
  benchedUntil: number;
  readonly pending: { readonly build: LostBuild; readonly at: number }[];
}

/**
 * Builds that nobody answers may be the neighbour's fault, who throttles us or is gone, as well as that of those behind
 * it. So a verdict waits until the neighbour answers another build; if it does not, while others do, it is the
 * neighbour's, and those behind it hear nothing of it.
 */
export class Blame {
  #lostInRow = 0;
  readonly #records = new BoundedMap<RouterHash, Record>(MAX_NEIGHBOURS);

  /** Far hops said something, whatever it was: builds pass this neighbour. */
  answered(neighbour: RouterHash, now: number): Verdict[] {
    const record = this.#of(neighbour, now);
    record.answered++;
    this.#lostInRow = 0;
    record.inRow = 0;
    record.lastAnswer = now;
    record.benchedUntil = Number.NEGATIVE_INFINITY;
    return record.pending.splice(0).map(({ build }) => behind(build));
  }

  lost(build: LostBuild, now: number): Verdict[] {
    const { neighbour } = build;
    const record = this.#of(neighbour, now);
    record.lost++;
    this.#lostInRow++;
    if (record.lastAnswer >= build.started) {
      const lossy = this.#lossy(neighbour, record, now);
      if (lossy) record.benchedUntil = now + BENCH;
      return [behind(build)];
    }
    record.inRow++;
    record.pending.push({ build, at: now });
    if (record.pending.length > MAX_PENDING) record.pending.shift();
    if (!this.#silent(neighbour, record, now)) return this.#overdue(record, now);
    record.pending.length = 0;
    record.benchedUntil = now + BENCH;
    return [{ guilty: [neighbour], silent: neighbour }];
  }

  /** Verdicts that have waited long enough. */
  overdue(now: number): Verdict[] {
    return [...this.#records.values()].flatMap((record) => this.#overdue(record, now));
  }

  /** There is a new session with it: what was lost over the old one says nothing of anybody. */
  renewed(neighbour: RouterHash): void {
    const record = this.#records.get(neighbour);
    if (!record) return;
    record.inRow = 0;
    record.benchedUntil = Number.NEGATIVE_INFINITY;
    record.pending.length = 0;
  }

  /** Where nobody answers any more: builds lost through this neighbour since the last answer, or since its session began. */
  unanswered(neighbour: RouterHash): number {
    return this.#lostInRow < ALL_SILENT ? 0 : (this.#records.get(neighbour)?.inRow ?? 0);
  }

  /** Tunnels should begin elsewhere. */
  benched(neighbour: RouterHash, now: number): boolean {
    return now < (this.#records.get(neighbour)?.benchedUntil ?? Number.NEGATIVE_INFINITY);
  }

  /** The clock was moved. */
  clear(): void {
    this.#records.clear();
  }

  #overdue(record: Record, now: number): Verdict[] {
    const wait = record.inRow >= SILENT_AFTER ? DOUBTFUL_VERDICT_AFTER : VERDICT_AFTER;
    const due = record.pending.filter(({ at }) => now >= at + wait);
    record.pending.splice(0, due.length);
    return due.map(({ build }) => ({ guilty: build.hops }));
  }

  #silent(neighbour: RouterHash, { inRow }: Record, now: number): boolean {
    return inRow >= SILENT_AFTER && (1 - this.#othersRate(neighbour, now)) ** inRow < UNLIKELY;
  }

  /** Half of what the others bring, or less. */
  #lossy(neighbour: RouterHash, { answered, lost }: Record, now: number): boolean {
    return (
      answered + lost >= ENOUGH_OWN && answered / (answered + lost) < this.#othersRate(neighbour, now) / 2
    );
  }

  #othersRate(neighbour: RouterHash, now: number): number {
    let answered = 0;
    let all = 0;
    for (const [hash, record] of this.#records.entries()) {
      if (hash === neighbour) continue;
      const worth = 0.5 ** (Math.max(0, now - record.at) / HALF_LIFE);
      answered += record.answered * worth;
      all += (record.answered + record.lost) * worth;
    }
    return all < ENOUGH_OTHERS ? 0.5 : answered / all;
  }

  #of(neighbour: RouterHash, now: number): Record {
    const known = this.#records.get(neighbour);
    if (known) {
      const worth = 0.5 ** (Math.max(0, now - known.at) / HALF_LIFE);
      known.answered *= worth;
      known.lost *= worth;
      known.at = now;
      return known;
    }
    const never = Number.NEGATIVE_INFINITY;
    const made = {
      answered: 0,
      lost: 0,
      at: now,
      inRow: 0,
      lastAnswer: never,
      benchedUntil: never,
      pending: [],
    };
    this.#records.set(neighbour, made);
    return made;
  }
}

/** The neighbour works, so it was somebody behind it; in a tunnel of one hop there is nobody else. */
function behind({ neighbour, hops }: LostBuild): Verdict {
  const far = hops.filter((hop) => hop !== neighbour);
  return { guilty: far.length > 0 ? far : hops };
}
