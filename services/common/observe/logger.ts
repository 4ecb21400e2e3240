import { type Logger, pino } from 'pino';
import type { LogLevel } from './log-levels.ts';

export type { Logger } from 'pino';

/**
 * JSON lines on standard error. At info and above nothing that came from the network and no name, key, address or
 * destination may be logged: use codes and counts. The redaction below is the second net, not the first.
 */
export function createLogger(component: string, level: LogLevel): Logger {
  return pino(
    {
      level,
      base: { component },
      redact: {
        paths: [
          'host',
          'name',
          'destination',
          'key',
          'privateKey',
          'address',
          'password',
          '*.host',
          '*.privateKey',
        ],
        censor: '[redacted]',
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
