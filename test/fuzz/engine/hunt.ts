import { DecodeError } from '@allium/common/bytes/errors.ts';
import { Chance } from './chance.ts';
import { Cover, type Profile } from './coverage.ts';
import { mutated } from './mutate.ts';
import type { Target } from './target.ts';
import { weigh } from './weigh.ts';

const LONGEST = 4_096;
/**
 * Inputs between two looks at the coverage, each of which costs a millisecond or two: a part of those that there were, so
 * that it does not depend on the time, and a seed gives the same inputs again.
 */
const BATCH_PART = 16;
const BATCH_MAX = 2_048;
/** Inputs that are tried however busy the machine is; fewer where one takes milliseconds. */
const LEAST = 50;
const LEAST_SLOW = 2;
/** Inputs that are remembered; the oldest that were found go, the seeds stay. */
const CORPUS_MAX = 2_000;
/** Different findings of one target; there is no use in more. */
const FINDINGS_MAX = 8;
/** An input is slow that takes so many ms of this thread's time, three times, and so many times the median. */
const SLOW_MS = 30;
const SLOW_TIMES = 200;
/** Times that the median is taken from, and the first one. */
const TIMES = 101;
const FIRST_TIMES = 9;
/** What may come of an input unless the target says otherwise: bytes for each of it, and bytes anyway. */
const GROWTH = 96;
const ANYWAY = 16_384;
/** Reasons to refuse that are told apart. */
const REASONS_MAX = 200;

export interface Finding {
  readonly kind: 'throws' | 'slow' | 'heavy';
  readonly why: string;
  readonly input: Uint8Array;
}

export interface Report {
  readonly target: string;
  readonly inputs: number;
  /** ms */
  readonly took: number;
  /** ms of this thread's own time, whatever else the machine does */
  readonly worked: number;
  readonly blocks: number;
  readonly findings: readonly Finding[];
  /** inputs that were kept because they ran something new */
  readonly corpus: readonly Uint8Array[];
}

export interface HuntLimits {
  /** ms */
  readonly ms: number;
  readonly inputs: number;
  /** ends with the first finding */
  readonly once?: boolean;
}

/** The hunt for what one target does wrong: inputs that run new blocks are kept, and others are made from them. */
export class Hunt {
  readonly #name: string;
  readonly #target: Target;
  readonly #profile: Profile;
  readonly #chance: Chance;
  readonly #about: (input: Uint8Array) => void;
  readonly #cover = new Cover();
  readonly #words: readonly Buffer[];
  readonly #longest: number;
  readonly #corpus: Buffer[] = [];
  readonly #kept: Buffer[] = [];
  readonly #findings = new Map<string, Finding>();
  readonly #refusals = new Set<string>();
  readonly #times: number[] = [];
  #open: Promise<unknown>[] = [];
  #inputs = 0;
  /** ms; undefined until there are enough to say */
  #typical: number | undefined;

  /** `about` hears of each input before it is run, for whoever has to say which one ended the thread. */
  constructor(
    name: string,
    target: Target,
    profile: Profile,
    seed: string,
    about: (input: Uint8Array) => void,
  ) {
    this.#name = name;
    this.#target = target;
    this.#profile = profile;
    this.#about = about;
    this.#chance = new Chance(`${seed}/${name}`);
    this.#words = (target.words ?? []).map((word) => Buffer.from(word as Uint8Array));
    this.#longest = target.longest ?? LONGEST;
  }

  async run(known: readonly Uint8Array[], limits: HuntLimits): Promise<Report> {
    const started = performance.now();
    const before = process.threadCpuUsage();
    Error.stackTraceLimit = 0;
    this.#profile.take();
    const seeds = [...known, ...(this.#target.seeds?.() ?? [])];
    for (const seed of seeds) await this.#batch([Buffer.from(seed)], limits, started);
    if (this.#corpus.length === 0) this.#corpus.push(Buffer.alloc(0));
    while (!this.#over(limits, started)) {
      const part = this.#target.slow ? 1 : Math.min(BATCH_MAX, Math.floor(this.#inputs / BATCH_PART));
      const length = Math.max(1, Math.min(part, limits.inputs - this.#inputs));
      await this.#batch(
        Array.from({ length }, () => this.#next()),
        limits,
        started,
      );
    }
    const { user, system } = process.threadCpuUsage(before);
    return {
      target: this.#name,
      inputs: this.#inputs,
      took: performance.now() - started,
      worked: (user + system) / 1_000,
      blocks: this.#cover.blocks,
      findings: [...this.#findings.values()],
      corpus: this.#kept,
    };
  }

  #over({ ms, inputs, once }: HuntLimits, started: number): boolean {
    if (this.#findings.size >= (once ? 1 : FINDINGS_MAX)) return true;
    const least = this.#target.slow ? LEAST_SLOW : LEAST;
    return this.#inputs >= inputs || (this.#inputs >= least && performance.now() - started >= ms);
  }

  #next(): Buffer {
    const { make, mend } = this.#target;
    const chance = this.#chance;
    if (make && chance.oneIn(4)) return Buffer.from(make(chance));
    // what was found last has the most to give
    const recent = this.#corpus.length > 16 && chance.oneIn(3) ? 16 : this.#corpus.length;
    const parent = this.#corpus[this.#corpus.length - 1 - chance.below(recent)] ?? Buffer.alloc(0);
    const input = mutated(parent, chance, this.#corpus, this.#words, this.#longest);
    return mend && !chance.oneIn(3) ? Buffer.from(mend(input)) : input;
  }

  async #batch(inputs: readonly Buffer[], limits: HuntLimits, started: number): Promise<void> {
    const tried: Buffer[] = [];
    for (const input of inputs) {
      if (this.#inputs > 0 && this.#over(limits, started)) break;
      this.#try(input);
      tried.push(input);
    }
    await this.#settled();
    await this.#search(tried, this.#profile.take());
  }

  /** Of these, the smallest that run together what all do, and nothing that the target's own seeds run. */
  async distilled(inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
    this.#cover.clear();
    this.#profile.take();
    const out: Uint8Array[] = [];
    const bySize = inputs.toSorted((a, b) => a.length - b.length);
    for (const [at, input] of [...(this.#target.seeds?.() ?? []), ...bySize].entries()) {
      this.#once(Buffer.from(input));
      await this.#settled();
      const fresh = this.#cover.fresh(this.#profile.take());
      this.#cover.note(fresh);
      if (fresh.length > 0 && at >= (this.#target.seeds?.().length ?? 0)) out.push(input);
    }
    return out;
  }

  /** Those that answer later have answered. */
  async #settled(): Promise<void> {
    await Promise.all(this.#open.splice(0));
  }

  /** Finds which of them ran something new, by running halves of them again. */
  async #search(inputs: readonly Buffer[], counted: ReturnType<Profile['take']>): Promise<void> {
    const fresh = this.#cover.fresh(counted);
    if (fresh.length === 0) return;
    if (inputs.length === 1) {
      this.#cover.note(fresh);
      this.#keep(inputs[0] as Buffer);
      return;
    }
    const middle = inputs.length >> 1;
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      for (const input of half) this.#once(input);
      await this.#settled();
      await this.#search(half, this.#profile.take());
    }
    // what only happens once, such as a function that is made ready, is nobody's
    this.#cover.note(this.#cover.fresh(counted));
  }

  #keep(input: Buffer): void {
    this.#kept.push(input);
    this.#corpus.push(input);
    if (this.#corpus.length > CORPUS_MAX) this.#corpus.splice(this.#corpus.length >> 1, 1);
  }

  #try(input: Buffer): void {
    this.#inputs++;
    const before = performance.now();
    const outcome = this.#once(input);
    const took = performance.now() - before;
    this.#timed(took);
    if (took > this.#slowFrom) this.#maybeSlow(input);
    if (outcome.error !== undefined) this.#thrown(input, outcome.error);
    else if (outcome.value !== undefined) this.#weighed(input, outcome.value);
  }

  #once(input: Buffer): { readonly value?: unknown; readonly error?: unknown } {
    this.#about(input);
    try {
      // memory of its own: a target may write into it
      const value = this.#target.run(Buffer.from(input));
      if (!(value instanceof Promise)) return { value };
      this.#open.push(value.catch((error: unknown) => this.#thrown(input, error, false)));
      return {};
    } catch (error) {
      return { error };
    }
  }

  /** `again`: it throws at once, so that it can be run again for its stack */
  #thrown(input: Buffer, error: unknown, again = true): void {
    if (!(error instanceof DecodeError)) {
      if (this.#target.refuses?.(error)) return;
      return this.#found('throws', again ? this.#stackOf(input, error) : String(error), input);
    }
    // Another reason to refuse is worth keeping, even where the same blocks ran.
    const reason = `${error.detail.structure} ${error.detail.code}`;
    if (this.#refusals.size > REASONS_MAX || this.#refusals.has(reason)) return;
    this.#refusals.add(reason);
    this.#keep(input);
  }

  /** Stacks cost more than all else that a reader does to refuse: only what is told gets one. */
  #stackOf(input: Buffer, error: unknown): string {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 8;
    const { error: again = error } = this.#once(input);
    Error.stackTraceLimit = stackTraceLimit;
    return again instanceof Error ? (again.stack ?? again.message) : String(again);
  }

  #weighed(input: Buffer, value: unknown): void {
    const limit = this.#target.outcome?.(input.length) ?? ANYWAY + GROWTH * input.length;
    const weight = weigh(value, input, limit);
    if (weight > limit) this.#found('heavy', `more than ${limit} bytes of ${input.length}`, input);
  }

  /** What a machine does beside costs this thread no time of its own, and happens seldom three times. */
  #maybeSlow(input: Buffer): void {
    let least = Number.POSITIVE_INFINITY;
    for (let times = 0; times < 3; times++) {
      const { user } = process.threadCpuUsage();
      this.#once(input);
      least = Math.min(least, (process.threadCpuUsage().user - user) / 1_000);
    }
    if (least < this.#slowFrom) return;
    this.#found('slow', `${least.toFixed(1)} ms, others ${this.#typical?.toFixed(3)} ms`, input);
  }

  get #slowFrom(): number {
    return Math.max(SLOW_MS, (this.#typical ?? Number.POSITIVE_INFINITY) * SLOW_TIMES);
  }

  #timed(ms: number): void {
    const enough = this.#typical === undefined ? FIRST_TIMES : TIMES;
    if (this.#times.push(ms) < enough) return;
    this.#times.sort((a, b) => a - b);
    this.#typical = this.#times[enough >> 1];
    this.#times.length = 0;
  }

  #found(kind: Finding['kind'], why: string, input: Buffer): void {
    const [first = '', ...stack] = why.split('\n');
    const place = stack.find((line) => line.includes('/services/')) ?? first;
    const key = kind === 'throws' ? place : kind;
    const known = this.#findings.get(key);
    if (known && known.input.length <= input.length) return;
    this.#findings.set(key, { kind, why, input: Uint8Array.from(input) });
  }
}
