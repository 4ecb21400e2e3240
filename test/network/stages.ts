/** Waiting for things outside this process, said aloud. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Prints one line of progress. */
export type Say = (line: string) => void;

/** What a look at the world found: done with a value, or not yet and why. */
export type Look<T> = { readonly done: T } | { readonly notYet: string };

export interface Stage<T> {
  /** completes the sentence "…: 12.3 s" */
  readonly name: string;
  /** milliseconds until the stage fails */
  readonly deadline: number;
  /** milliseconds between two looks, LOOK_INTERVAL_MS unless told: a dear look wants a longer one */
  readonly interval?: number;
  /** may throw: that counts as not yet, with the error's message as reason */
  readonly look: () => Promise<Look<T>>;
}

/** Between two looks, in ms: short against the stages' seconds, long against what a look costs. */
const LOOK_INTERVAL_MS = 500;

export class StageError extends Error {
  override readonly name = 'StageError';
}

/**
 * Looks until done and returns the value. Throws StageError with the last reason after the deadline, and at the next
 * look once the signal is given.
 */
export async function pass<T>(stage: Stage<T>, say: Say, signal?: AbortSignal): Promise<T> {
  const started = Date.now();
  for (;;) {
    const found = await stage.look().catch((error: unknown) => ({ notYet: reason(error) }));
    const elapsed = Date.now() - started;
    if ('done' in found) {
      say(`${stage.name}: ${seconds(elapsed)}`);
      return found.done;
    }
    if (elapsed > stage.deadline) {
      throw new StageError(`${stage.name}: not within ${seconds(stage.deadline)}; ${found.notYet}`);
    }
    await sleep(stage.interval ?? LOOK_INTERVAL_MS, undefined, { signal });
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ('code' in error ? String(error.code) : error.name);
}
