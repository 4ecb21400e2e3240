import { IDLE_MS } from './idle.ts';
import { DIAL_DEADLINE_MS } from './stream-dialer.ts';

/** Times in milliseconds. */
export interface HttpLimits {
  /** for a request head to arrive, however slowly */
  readonly headMs: number;
  /** for a stream to open */
  readonly dialMs: number;
  /** without a byte in either direction, then the exchange is given up; I2P needs 120 s and more */
  readonly idleMs: number;
  /** how long a client's connection waits for its next request */
  readonly keepAliveMs: number;
  /** how long a destination that failed on port 443 is not asked again */
  readonly noTlsMs: number;
  /** connections of clients; each may hold a 64 kB head and one stream */
  readonly connections: number;
}

export const HTTP_LIMITS: HttpLimits = {
  headMs: 30_000,
  dialMs: DIAL_DEADLINE_MS,
  idleMs: IDLE_MS,
  keepAliveMs: 120_000,
  noTlsMs: 5 * 60_000,
  connections: 256,
};

/** Bytes of a head, request or response, first line included; Java's limit for responses too. */
export const HEAD_MAX = 64 * 1024;

/** Requests of one connection under way at once: pipelining beyond it is refused. */
export const PIPELINED_MAX = 4;

/** Options that every HTTP parser of ours gets: strict, bounded, no silent dropping of header lines. */
export const STRICT_PARSER = { insecureHTTPParser: false, maxHeaderSize: HEAD_MAX } as const;
