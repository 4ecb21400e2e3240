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
  readonly #timer: NodeJS.Timeout;
  readonly #now: () => number;

  constructor(everyMs: number, now: () => number) {
    this.#now = now;
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  add(watched: Watched): void {
    this.#all.set(watched, { phase: watched.phase, turn: watched.turn, since: this.#now() });
  }

  delete(watched: Watched): void {
    this.#all.delete(watched);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = this.#now();
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
