/** What a client's connection waits for; how long is its owner's to say. */
export type Phase =
  /** the first head of a connection, or of a tunnel */
  | 'first'
  /** the rest of a head that has begun */
  | 'head'
  /** the next request */
  | 'idle'
  /** the answer of a parent */
  | 'answer'
  /** a client that has its last answer and is to go */
  | 'linger'
  /** somebody else has a clock for it */
  | 'off';

/** Milliseconds between two looks at most, and at least. */
const LOOK_MS = 1_000;
const LOOK_MIN_MS = 20;
/** Looks in the shortest limit. */
const LOOKS = 8;

export interface Watched {
  readonly phase: Phase;
  /** another number for each phase, also for one that is the same again */
  readonly turn: number;
  /** milliseconds that the phase may last, or, when it `moves`, that nothing may move */
  limitMs(): number;
  /** whether a byte has moved since the last call; asked only in phases that last as long as something moves */
  moved(): boolean;
  /** the time is over */
  late(): void;
}

/**
 * Looks at all connections a few times in the shortest limit, for a timer for each would have to be set anew with every
 * byte. A phase may last one look longer than it should.
 */
export class Watch {
  readonly #all = new Map<Watched, { phase: Phase; turn: number; since: number }>();
  readonly #everyMs: number;
  /** only while there is something to look at */
  #timer: NodeJS.Timeout | undefined;

  private constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Looks often enough for these limits, in milliseconds; 0 is none. */
  static forLimits(limits: readonly number[]): Watch {
    const shortest = Math.min(LOOK_MS * LOOKS, ...limits.filter((ms) => ms > 0));
    return new Watch(Math.max(LOOK_MIN_MS, shortest / LOOKS));
  }

  add(watched: Watched): void {
    this.#all.set(watched, { phase: watched.phase, turn: watched.turn, since: performance.now() });
    this.#timer ??= setInterval(() => this.#look(), this.#everyMs);
  }

  delete(watched: Watched): void {
    this.#all.delete(watched);
    if (this.#all.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    for (const [watched, seen] of this.#all) {
      const { phase, turn } = watched;
      const began = phase !== seen.phase || turn !== seen.turn || (phase === 'answer' && watched.moved());
      if (began) {
        seen.phase = phase;
        seen.turn = turn;
        seen.since = now;
      } else if (now - seen.since >= watched.limitMs()) {
        seen.since = now;
        watched.late();
      }
    }
  }
}
