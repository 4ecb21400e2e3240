import { createContext, Script } from 'node:vm';
import { GatewayError } from '@allium/common/bytes/errors.ts';

/** Milliseconds of CPU for all expressions of one step (deciding, one direction of headers); Debian's files take 2. */
export const TIME_BOX_MS = 250;
/** The watch looks at the wall clock: on a busy machine the work is begun again, this often at most. */
const ROUNDS_MAX = 10;

export class TimeBoxError extends GatewayError<{ readonly code: 'time-box' }> {}

/**
 * Runs code that matches expressions of the configuration against hostile text. V8 stops a running expression when
 * the time of a `vm` script is over; nothing else in Node can. `work` must be pure: it may be cut off anywhere, and
 * begun again when the machine was busy with something else.
 */
export class TimeBox {
  readonly #context: { work: () => unknown } = { work: () => undefined };
  readonly #script = new Script('work()');
  readonly #limitMs: number;

  constructor(limitMs = TIME_BOX_MS) {
    this.#limitMs = limitMs;
    createContext(this.#context);
  }

  /** Throws `TimeBoxError` when the time is over. */
  run<T>(work: () => T): T {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const before = process.threadCpuUsage();
      const done = this.#once(work);
      if (done !== undefined) return done.value;
      const used = process.threadCpuUsage(before);
      if (used.user + used.system > this.#limitMs * 500) break;
    }
    throw new TimeBoxError({ code: 'time-box' });
  }

  /** Undefined when it was cut off. */
  #once<T>(work: () => T): { readonly value: T } | undefined {
    let result: { readonly value: T } | undefined;
    this.#context.work = () => {
      result = { value: work() };
    };
    try {
      this.#script.runInContext(this.#context, { timeout: this.#limitMs });
      return result;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
      throw error;
    }
  }
}
