import { SOCKS_HANDSHAKE_MS } from '@allium/common/socks/server.ts';

/**
 * The limits of all doors, where they are not the configuration's. Times in milliseconds; the README has the table.
 */

/** A client that was given its last answer has this long to take it and go: what it still sends is read away. */
export const LINGER_MS = 5_000;

/** Tunnels of every kind (SOCKS, CONNECT, services) without a byte either way: shells and chats are silent for hours. */
export const TUNNEL_IDLE_MS = 24 * 3_600_000;

/** Silence before the kernel asks whether a workstation is still there. */
export const KEEP_ALIVE_MS = 60_000;

/** A site that has served gets this long to close its stream, before it is reset. */
export const SITE_CLOSE_MS = 10_000;

/** A client that has begun with what may become a request line gets this long to say more. */
export const WHOLE_WORD_MS = 1_000;

/** For a SOCKS parent to be reached and to take the request: both parents are on this machine. */
export const PARENT_MS = 30_000;

/** For a service of ours to be reached: it is on this machine. */
export const LOCAL_SERVICE_MS = 5_000;

export interface SocksLimits {
  /** from the connection to the whole request */
  readonly handshakeMs: number;
  /** on port 80 of I2P: a client that says nothing for this long is taken for one that waits for the server */
  readonly firstWordMs: number;
  /** without a byte either way */
  readonly idleMs: number;
  /** connections at once of one client address: what Tor Browser opens at most */
  readonly perClient: number;
  /** connections at once, over all SOCKS doors; each holds two sockets */
  readonly total: number;
}

export const SOCKS_LIMITS: SocksLimits = {
  handshakeMs: SOCKS_HANDSHAKE_MS,
  firstWordMs: 200,
  idleMs: TUNNEL_IDLE_MS,
  perClient: 256,
  total: 1_024,
};
