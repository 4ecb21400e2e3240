import type { RandomBytes } from '@allium/common/core/random.ts';
import type { I2npMessage } from '../i2np/message.ts';
import type { RouterHash } from '../wire/hash.ts';
import type { RouterInfo, RouterKeys } from '../wire/router-info.ts';
import type { ReplayCache } from './replay-cache.ts';

/** What a session gets at construction. */
export interface Ntcp2Config {
  readonly local: RouterKeys;
  /** the current one; signed less than ~45 minutes ago, or peers refuse it */
  readonly localRouterInfo: () => RouterInfo;
  /** 2 in the real network */
  readonly netId: number;
  readonly random: RandomBytes;
  /** whether the session must outlive silence; asked whenever a timer runs out */
  readonly keepAlive: () => boolean;
  /** milliseconds; `IDLE_CLOSE` unless given */
  readonly idleClose?: number;
}

/** Whom an initiator dials; from the RouterInfo's NTCP2 address. */
export interface Ntcp2Peer {
  readonly hash: RouterHash;
  /** `s`, 32 bytes */
  readonly staticKey: Uint8Array;
  /** `i`, 16 bytes */
  readonly iv: Uint8Array;
}

/** What a responder needs on top. */
export interface Ntcp2Acceptance {
  /** one for all sessions of this router */
  readonly replays: ReplayCache;
  /** IP literal that the connection came from, if the host knows it */
  readonly remoteHost?: string;
  /** a peer that the node wants no session with: it gets reason 17 */
  readonly refuses?: (routerInfo: RouterInfo) => boolean;
}

/** What happens to one connection. Each is fed with the time in ms. */
export type Input =
  /** TCP stands (behind SOCKS: the peer's end as well) */
  | { readonly kind: 'connected' }
  /** read from the socket; the core keeps no view of it */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** the payload may be kept until it is written */
  | { readonly kind: 'send'; readonly message: I2npMessage }
  /** the socket takes no more for now */
  | { readonly kind: 'blocked' }
  | { readonly kind: 'drained' }
  | { readonly kind: 'tick' }
  /** TCP ended, or could not be opened */
  | { readonly kind: 'closed' }
  /** end it with a Termination block; see `TERMINATION` */
  | { readonly kind: 'terminate'; readonly reason: number };

/**
 * What the session was waiting for: TCP; message 1 (Bob), 2 (Alice) or 3 (Bob); a first frame that is no
 * Termination, without which Alice can't know that Bob liked her RouterInfo; or nothing in particular.
 */
export type Stage = 'connect' | 'request' | 'created' | 'confirmed' | 'accepted' | 'data';

export type CloseCode =
  /** nothing came in time */
  | 'timeout'
  /** the connection ended without a word: at `connect` a dead peer or an exit policy, later perhaps a block list */
  | 'peer-closed'
  /** the peer sent a Termination block */
  | 'terminated'
  /** we had no more use for it */
  | 'idle'
  /** asked for by `terminate` */
  | 'local'
  /** a tag or a Diffie-Hellman result is wrong: stale keys, tampering, or no NTCP2 at all */
  | 'authentication'
  /** lengths, options or blocks that the specification forbids */
  | 'format'
  | 'network-id'
  | 'version'
  | 'skew'
  | 'replay'
  /** signature, network, version, transport, age or static key of Alice's RouterInfo */
  | 'router-info'
  | 'refused';

export interface Close {
  readonly stage: Stage;
  readonly code: CloseCode;
  /** the peer broke the protocol; false for silence and for what the network in between may have done */
  readonly peerFault: boolean;
  /** Termination reason, received for `terminated`, else sent by us */
  readonly reason?: number;
}

export type DropCause = 'expired' | 'overflow' | 'oversized' | 'closed';

/** What the host has to do with the connection, in this order. */
export type Output =
  /** one handshake message or frame: one write */
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  /** tick then; an earlier tick is harmless, and every tick is answered with a new wish while the session lives */
  | { readonly kind: 'wake'; readonly at: number }
  | { readonly kind: 'established'; readonly peer: RouterHash; readonly routerInfo?: RouterInfo }
  /**
   * Of the handshake: peer's clock minus ours in milliseconds, half the round trip taken off, right to about half a
   * second.
   */
  | { readonly kind: 'skew'; readonly skew: number; readonly roundTrip: number }
  /** its payload views the frame's own memory and may be kept */
  | { readonly kind: 'message'; readonly message: I2npMessage }
  | { readonly kind: 'routerInfo'; readonly routerInfo: RouterInfo; readonly flood: boolean }
  /** a message that was not sent */
  | { readonly kind: 'dropped'; readonly message: I2npMessage; readonly cause: DropCause }
  /** the last output ever: write what was sent before it, then close the socket */
  | ({ readonly kind: 'closed' } & Close);

/** Since the session began; for metrics and the status page. */
export interface Ntcp2Stats {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly messagesSent: number;
  readonly messagesReceived: number;
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly queued: number;
  readonly dropped: Readonly<Record<DropCause, number>>;
}
