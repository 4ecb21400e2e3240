import { TUNNEL_IDLE_MS } from './limits.ts';

/** Bounds of one service. Times in milliseconds. */
export interface ServiceLimits {
  /** for a request head to arrive */
  readonly headMs: number;
  /** HTTP: without a byte either way, then a request is given up */
  readonly idleMs: number;
  /** TCP and WebSocket: without a byte either way */
  readonly tunnelIdleMs: number;
  /** how long a stream waits for its next request */
  readonly keepAliveMs: number;
  /** how long a stream stays after its last answer, for a visitor who does not close it */
  readonly closeMs: number;
  /** streams at once; each costs one connection to the service */
  readonly streams: number;
  /** streams at once of one Destination, so that one stranger can't take all */
  readonly streamsPerVisitor: number;
}

export const SERVICE_LIMITS: ServiceLimits = {
  headMs: 30_000,
  idleMs: 300_000,
  tunnelIdleMs: TUNNEL_IDLE_MS,
  keepAliveMs: 60_000,
  closeMs: 10_000,
  streams: 256,
  streamsPerVisitor: 64,
};
