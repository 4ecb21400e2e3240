import type { Destination } from '../wire/destination.ts';
import type { DestHash } from '../wire/hash.ts';

/** Our receive stream ID (u32, never 0); names a stream within one `StreamManager`. */
export type StreamId = number;

/** Why a stream died before both sides had closed it. */
export type ResetReason =
  /** the peer sent a RESET that we could verify */
  | 'peer'
  /** retransmissions or an idle peer ran out of time */
  | 'timeout'
  /** the peer broke the protocol */
  | 'protocol'
  /** our own side wrote far past a `blocked` */
  | 'overflow'
  /** the Destination cannot be reached: nobody has its LeaseSet */
  | 'unreachable'
  /** its LeaseSet has no key that we support */
  | 'unsupported'
  /** our own Destination was closed */
  | 'closed';

export type StreamInput =
  /**
   * A streaming packet (protocol 6). `senders`: Destinations that own the static key of the ratchet session that
   * carried it; with none, SYN, CLOSE and RESET must prove themselves by signature.
   */
  | {
      readonly kind: 'packet';
      readonly senders: readonly DestHash[];
      readonly fromPort: number;
      readonly toPort: number;
      readonly bytes: Uint8Array;
    }
  /** Accepts streams to `port`; port 0 accepts those to every port that has no listener of its own. */
  | { readonly kind: 'listen'; readonly port: number }
  | { readonly kind: 'unlisten'; readonly port: number }
  /** The bytes belong to the stream from now on. After `blocked`, wait for `writable`. */
  | { readonly kind: 'write'; readonly stream: StreamId; readonly bytes: Uint8Array }
  /** No more writes: CLOSE follows the last byte; reading goes on. */
  | { readonly kind: 'end'; readonly stream: StreamId }
  /** Drops everything and tells the peer. No output follows for this stream. */
  | { readonly kind: 'reset'; readonly stream: StreamId }
  /** The application took `bytes` bytes of earlier `data`: the receive window opens again. */
  | { readonly kind: 'consumed'; readonly stream: StreamId; readonly bytes: number }
  /** No way to this Destination was found: connection attempts to it end now. */
  | {
      readonly kind: 'unreachable';
      readonly remote: DestHash;
      readonly reason: 'unreachable' | 'unsupported';
    }
  /**
   * There is a new way, to `remote` or (without it) to everybody: what waits to be repeated goes at once. `certain`: the
   * old one is gone, so that what failed before says nothing about the peer.
   */
  | { readonly kind: 'resume'; readonly remote?: DestHash; readonly certain: boolean }
  /** The Destination ends: every stream is reset, both sides are told, and nobody is listened to any more. */
  | { readonly kind: 'close' }
  /** Sends a ping; the answer is the output `pong` with the same `id` (u32, not 0). */
  | { readonly kind: 'ping'; readonly remote: DestHash; readonly id: number; readonly payload: Uint8Array }
  | { readonly kind: 'tick' };

export type StreamOutput =
  | {
      readonly kind: 'packet';
      readonly to: DestHash;
      readonly fromPort: number;
      readonly toPort: number;
      readonly bytes: Uint8Array;
      /** holds a Destination, whose padding compresses well */
      readonly compress: boolean;
    }
  /** The peer answered our SYN, or (`incoming`) its SYN was accepted. */
  | {
      readonly kind: 'opened';
      readonly stream: StreamId;
      readonly remote: DestHash;
      /** the whole of `remote`, known once the peer has signed */
      readonly destination: Destination | undefined;
      readonly incoming: boolean;
      readonly localPort: number;
      readonly remotePort: number;
    }
  /** A view of the packet; answered by `consumed` sooner or later. */
  | { readonly kind: 'data'; readonly stream: StreamId; readonly bytes: Uint8Array }
  /** The peer closed its direction; every byte before it was delivered. */
  | { readonly kind: 'end'; readonly stream: StreamId }
  /** Both directions are closed; the ID is dead. */
  | { readonly kind: 'closed'; readonly stream: StreamId }
  /** The stream broke; the ID is dead. */
  | { readonly kind: 'reset'; readonly stream: StreamId; readonly reason: ResetReason }
  /** `connect` failed; the ID is dead. */
  | { readonly kind: 'refused'; readonly stream: StreamId; readonly reason: ResetReason }
  | { readonly kind: 'blocked'; readonly stream: StreamId }
  | { readonly kind: 'writable'; readonly stream: StreamId }
  /** A retransmission timer ran out: whoever chooses tunnels and leases should choose others for `remote`. */
  | {
      readonly kind: 'stalled';
      readonly remote: DestHash;
      /** timeouts in a row: nothing of what was sent since the one before was acknowledged */
      readonly tries: number;
    }
  | {
      readonly kind: 'pong';
      readonly senders: readonly DestHash[];
      readonly id: number;
      readonly payload: Uint8Array;
    }
  | { readonly kind: 'wake'; readonly at: number };
