import type { Counters } from '@allium/common/observe/counters.ts';
import type { Logger } from '@allium/common/observe/logger.ts';
import type { HeadLimits } from '../http/head-lines.ts';
import { REQUEST_TARGET_MAX } from '../rules/request-url.ts';
import type { Rules } from '../rules/rules.ts';
import type { Note } from '../syntax/notes.ts';
import type { I2pSites } from './i2p-sites.ts';
import type { RefusedPorts } from './refused-ports.ts';
import type { TimeBox } from './time-box.ts';

/** Limits of one request, which tests make shorter. Times in milliseconds. */
export interface Limits extends HeadLimits {
  /** from the first byte of a head to its last; also for a connection that says nothing */
  readonly headMs: number;
  /** bytes of a head, of a request or of an answer */
  readonly bytes: number;
  /** bytes of a request line, which is the longest address and a few more */
  readonly firstLine: number;
  /** headers of a request, and of an answer */
  readonly headers: number;
  readonly answerHeaders: number;
}

export const DEFAULT_LIMITS: Limits = {
  headMs: 30_000,
  bytes: 64 * 1024,
  firstLine: REQUEST_TARGET_MAX + 32,
  headers: 100,
  answerHeaders: 1_000,
};

/** What bounds the head of an answer: its first line has no bound of its own. */
export function answerLimits({ bytes, answerHeaders }: Limits): HeadLimits {
  return { bytes, firstLine: bytes, headers: answerHeaders };
}

/** Privoxy's debug bit for requests that are not let through. */
const DEBUG_CRUNCHES = 1_024;

/** Counts what became of a request; logged by its kind only, never by name. */
export function tell({ counters, logger, rules }: Context, code: string): void {
  counters.add(code);
  if ((rules.settings.debug & DEBUG_CRUNCHES) === 0) logger.debug({ code }, 'not let through');
  else logger.info({ code }, 'not let through');
}

/** A fault of ours ends the connection that it came up on, not the process. */
export function tellFault({ counters, logger }: Pick<Context, 'counters' | 'logger'>, error: unknown): void {
  counters.add('fault');
  logger.error({ fault: error instanceof Error ? error.stack : String(error) }, 'fault');
}

/** Shared by everything that serves requests. */
export interface Context {
  readonly rules: Rules;
  readonly warnings: readonly Note[];
  readonly limits: Limits;
  readonly timeBox: TimeBox;
  readonly refusedPorts: RefusedPorts;
  /** absent where the configuration names no router */
  readonly i2p?: I2pSites | undefined;
  readonly counters: Counters;
  readonly logger: Logger;
  readonly now: () => number;
  readonly random: () => number;
}
