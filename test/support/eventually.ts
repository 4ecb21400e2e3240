import { pass, type Stage } from '../network/stages.ts';

/**
 * Looks until `look` returns, and gives what it returned; while it throws, not yet. After `deadline` ms throws with the
 * last reason. `name` completes the sentence "…: not within 60.0 s".
 */
export function eventually<T>(name: string, deadline: number, look: () => T | Promise<T>): Promise<T> {
  const stage: Stage<T> = { name, deadline, interval: 250, look: async () => ({ done: await look() }) };
  return pass(stage, () => {});
}

/** For a look that found nothing wrong yet, but nothing right either. */
export function must(holds: boolean, why: string): asserts holds {
  if (!holds) throw new Error(why);
}
