import { DecodeError } from '@allium/common/bytes/errors.ts';
import type { Chance } from './chance.ts';

/** Something that reads what came from outside. */
export interface Target {
  /**
   * Reads one input, from the beginning: nothing may be left of an earlier one. What it returns is weighed. A `DecodeError` is the sender's
   * fault; whatever else is thrown is a finding, and so are broken promises, which it throws itself.
   */
  readonly run: (input: Buffer) => unknown;
  /** inputs that are right, or nearly so */
  readonly seeds?: () => readonly Uint8Array[];
  /** a new input of the right shape, with odd contents */
  readonly make?: (chance: Chance) => Uint8Array;
  /** makes good again what a reader checks first and nobody could forge: lengths, checksums, signatures by our own keys */
  readonly mend?: (input: Buffer) => Uint8Array;
  /** bytes of the longest input; 4,096 unless said */
  readonly longest?: number;
  /** an input takes milliseconds: the coverage is looked at after each, which is cheaper than to run some again */
  readonly slow?: boolean;
  /** what the reader compares with */
  readonly words?: readonly (string | Uint8Array)[];
  /** whether `error` says that the input is refused; a `DecodeError` always does */
  readonly refuses?: (error: unknown) => boolean;
  /** bytes and objects that may come of an input of `length` bytes */
  readonly outcome?: (length: number) => number;
}

/** By the name that the compiler gives a reader, with a word behind it in brackets where there are several; or why there is none. */
export type Targets = Readonly<Record<string, Target | string>>;

/** The names of those that can be run. */
export function runnable(targets: Targets): string[] {
  return Object.entries(targets)
    .filter(([, target]) => typeof target !== 'string')
    .map(([name]) => name);
}

/** A promise that a reader makes, by the words that say how it was broken. */
export function promise(kept: boolean, broken: string): void {
  if (!kept) throw new Error(`broken promise: ${broken}`);
}

/** What a reader gives; undefined for what it refuses, after which a script goes on. */
export function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
