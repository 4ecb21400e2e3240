import type { RefusedCode } from '../garlic/garlic-types.ts';
import type { I2npMessage } from '../i2np/message.ts';
import type { DestHash } from '../wire/hash.ts';
import type { Lease, LeaseSet2, LeaseSetContent } from '../wire/lease-set2.ts';

/** Protocol numbers of I2CP that a gzip header can carry (I2CP, "Format"; Datagrams). */
export const I2CP_PROTOCOL = { streaming: 6, datagram: 17, raw: 18, datagram2: 19, datagram3: 20 } as const;

export type UnreachableReason =
  /** the lookup found nothing, or took too long */
  | 'noLeaseSet'
  /** it has a LeaseSet of a kind that we can't read */
  | 'unreadable'
  /** its LeaseSet has no key of a type that we speak (4, X25519) */
  | 'noSupportedKey'
  /** its key is no key */
  | 'badKey';

/** Beside what the ratchet refuses; `oversized` is what we were asked to send. */
export type Rejection = 'message' | 'clove' | 'payload' | 'leaseSet' | 'ownLeaseSet' | 'oversized';

/** What happens to a Destination. Each is fed with the time in ms. */
export type DestinationInput =
  /** All inbound tunnels of our pool that others may use, whenever they change. */
  | { readonly kind: 'leases'; readonly leases: readonly Lease[] }
  /**
   * `payload` is framed and sent; it must not change afterwards. More than `MAX_SENT_PAYLOAD` bytes are `rejected`.
   * `compress` pays for structures with padding.
   */
  | {
      readonly kind: 'send';
      readonly to: DestHash;
      readonly protocol: number;
      readonly fromPort: number;
      readonly toPort: number;
      readonly payload: Uint8Array;
      readonly compress?: boolean;
    }
  /** Came out of our inbound tunnel `tunnel`; anything but Garlic (type 11) is ignored. */
  | { readonly kind: 'message'; readonly message: I2npMessage; readonly tunnel?: number }
  /** Answers to `lookup`; a LeaseSet may also come unasked. */
  | { readonly kind: 'leaseSet'; readonly leaseSet: LeaseSet2 }
  | { readonly kind: 'lookupFailed'; readonly hash: DestHash; readonly unreadable?: boolean }
  /** The owner's answer to `signLeaseSet`; one that is not ours, leads elsewhere or is older than the last is rejected. */
  | { readonly kind: 'leaseSetSigned'; readonly leaseSet: LeaseSet2 }
  /** what became of the last `publish`: a floodfill has it, or none said so */
  | { readonly kind: 'published'; readonly confirmed: boolean }
  /**
   * Messages to `remote` seem to get lost: try another tunnel, then another lease. After a second try in a row without
   * any success (`tries`), try a new session.
   */
  | { readonly kind: 'stalled'; readonly remote: DestHash; readonly tries?: number }
  | { readonly kind: 'tick' };

/** What a Destination wants done, and what came for it. In this order. */
export type DestinationOutput =
  /** Store this in the NetDB. Only from a published Destination. */
  | { readonly kind: 'publish'; readonly leaseSet: LeaseSet2 }
  /** An identity without signer: its owner shall make a LeaseSet of this. A later one replaces it. */
  | { readonly kind: 'signLeaseSet'; readonly content: LeaseSetContent }
  /** Find the LeaseSet of `hash`; answered by `leaseSet` or `lookupFailed`. */
  | { readonly kind: 'lookup'; readonly hash: DestHash }
  /**
   * Send through one of our outbound tunnels to the tunnel `lease`. The same `stickyKey` should take the same
   * outbound tunnel, so that packets stay in order; a new one asks for another.
   */
  | {
      readonly kind: 'toTunnel';
      readonly lease: Lease;
      readonly message: I2npMessage;
      readonly stickyKey: number;
    }
  /**
   * A payload for us. `senders`: Destinations whose known LeaseSet has the static key of the ratchet session that
   * carried it, so each of them may be its author; several share a key, none: the session proves nobody.
   */
  | {
      readonly kind: 'received';
      readonly protocol: number;
      readonly senders: readonly DestHash[];
      readonly fromPort: number;
      readonly toPort: number;
      readonly payload: Uint8Array;
    }
  /** A message encrypted to a key given to `registerReplyKey`. */
  | { readonly kind: 'reply'; readonly query: number; readonly message: I2npMessage }
  /** What was queued for `remote` is dropped. */
  | { readonly kind: 'unreachable'; readonly remote: DestHash; readonly reason: UnreachableReason }
  /** A new way to `remote` is known, after messages got lost: what waits to be repeated may go at once. */
  | { readonly kind: 'resume'; readonly remote: DestHash }
  /** Something was not usable; for counters. */
  | { readonly kind: 'rejected'; readonly code: RefusedCode | Rejection }
  | { readonly kind: 'wake'; readonly at: number };
