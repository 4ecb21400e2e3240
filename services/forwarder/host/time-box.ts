import { createContext, Script } from 'node:vm';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import { EffortError } from '../expressions/expression.ts';

/** Milliseconds of CPU for all expressions of one step (deciding, one direction of headers). */
export const TIME_BOX_MS = 250;
/** The watch looks at the wall clock: on a busy machine the work is begun again, this often at most. */
const ROUNDS_MAX = 10;

export class TimeBoxError extends GatewayError<{ readonly code: 'time-box' }> {}

/**
 * Runs code that matches expressions of the configuration against hostile text. With rules that hold no expression for
 * an engine that goes back, it is a plain call. Else V8 stops a running expression when the time of a `vm` script is
 * over; nothing else in Node can. `work` must be pure: it may be cut off anywhere, and begun again when the machine was
 * busy with something else.
 */
export class TimeBox {
  readonly #context: { work: () => unknown } | undefined;
  readonly #script = new Script('work()');
  readonly #limitMs: number;

  /** `boxed`: whether the rules in force need the limit (`Rules.boxed`). */
  constructor(boxed: boolean, limitMs = TIME_BOX_MS) {
    this.#limitMs = limitMs;
    if (!boxed) return;
    this.#context = { work: () => undefined };
    createContext(this.#context);
  }

  /** Throws `TimeBoxError` when the time is over. */
  run<T>(work: () => T): T {
    try {
      return this.#context === undefined ? work() : this.#limited(work, this.#context);
    } catch (error) {
      if (error instanceof EffortError) throw new TimeBoxError({ code: 'time-box' });
      throw error;
    }
  }

  #limited<T>(work: () => T, context: { work: () => unknown }): T {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const before = process.threadCpuUsage();
      const done = this.#once(work, context);
      if (done !== undefined) return done.value;
      const used = process.threadCpuUsage(before);
      if (used.user + used.system > this.#limitMs * 500) break;
    }
    throw new TimeBoxError({ code: 'time-box' });
  }

  /** Undefined when it was cut off. */
  #once<T>(work: () => T, context: { work: () => unknown }): { readonly value: T } | undefined {
    let result: { readonly value: T } | undefined;
    context.work = () => {
      result = { value: work() };
    };
    try {
      this.#script.runInContext(context, { timeout: this.#limitMs });
      return result;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
      throw error;
    }
  }
}
