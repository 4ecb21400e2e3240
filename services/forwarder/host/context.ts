import type { Counters } from '@allium/common/observe/counters.ts';
import type { Logger } from '@allium/common/observe/logger.ts';
import type { Policy } from '../rules/policy.ts';
import type { Note } from '../syntax/notes.ts';
import type { RefusedPorts } from './refused-ports.ts';
import type { TimeBox } from './time-box.ts';

/** Limits of one request, which tests make shorter. Times in milliseconds. */
export interface Limits {
  /** from the first byte of a head to its last; also for a connection that says nothing */
  readonly headMs: number;
  /** bytes of a request or response head */
  readonly headBytes: number;
  readonly headers: number;
}

export const DEFAULT_LIMITS: Limits = { headMs: 30_000, headBytes: 64 * 1024, headers: 100 };

/** Privoxy's debug bit for requests that are not let through. */
const DEBUG_CRUNCHES = 1_024;

/** Counts what became of a request; logged by its kind only, never by name. */
export function tell({ counters, logger, policy }: Context, code: string): void {
  counters.add(code);
  if ((policy.settings.debug & DEBUG_CRUNCHES) === 0) logger.debug({ code }, 'not let through');
  else logger.info({ code }, 'not let through');
}

/** Shared by everything that serves requests. */
export interface Context {
  readonly policy: Policy;
  readonly warnings: readonly Note[];
  readonly limits: Limits;
  readonly timeBox: TimeBox;
  readonly refusedPorts: RefusedPorts;
  readonly counters: Counters;
  readonly logger: Logger;
  readonly now: () => number;
  readonly random: () => number;
}
