import type { Stop } from '../core/stop.ts';

export type { Stop } from '../core/stop.ts';

/** Milliseconds that one part may take to stop before the next is stopped anyway. */
export const STOP_DEADLINE_MS = 5_000;

/**
 * The parts of a process in the order they were started; `stop` ends them in reverse, each under a deadline.
 * A part that fails to start stops what was started before it.
 */
export class Lifecycle {
  readonly #parts: { name: string; stop: Stop }[] = [];
  #stopping: Promise<string[]> | undefined;

  async start<T extends { stop: Stop }>(name: string, begin: () => Promise<T> | T): Promise<T> {
    try {
      const part = await begin();
      this.add(name, () => part.stop());
      return part;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  add(name: string, stop: Stop): void {
    this.#parts.push({ name, stop });
  }

  /** Names of the parts that failed or did not end in time; empty when all went well. Safe to call again. */
  stop(): Promise<string[]> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<string[]> {
    const late: string[] = [];
    for (const part of this.#parts.reverse()) {
      const ended = await endsInTime(part.stop);
      if (!ended) late.push(part.name);
    }
    return late;
  }
}

async function endsInTime(stop: Stop): Promise<boolean> {
  const { promise: deadline, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), STOP_DEADLINE_MS);
  try {
    return await Promise.race([Promise.resolve(stop()).then(() => true), deadline]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves with the first SIGINT or SIGTERM; a second one ends the process at once (exit code 1). */
export function untilSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let seen = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (seen) process.exit(1);
      seen = true;
      resolve(signal);
    });
  }
  return promise;
}
