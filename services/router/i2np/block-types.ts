import type { GarlicClove } from './clove.ts';

/** Type numbers of ECIES Ratchet, "Payload Section Decrypted data". */
export const BLOCK_TYPE = {
  dateTime: 0,
  termination: 4,
  options: 5,
  messageNumber: 6,
  nextKey: 7,
  ack: 8,
  ackRequest: 9,
  clove: 11,
  padding: 254,
} as const;

/** A message by the tag set and the index of its tag. */
export interface AckedMessage {
  /** u16 */
  readonly tagSetId: number;
  /** u16 */
  readonly messageNumber: number;
}

/** ECIES Ratchet, "Next DH Ratchet Public Key" */
export interface NextKeyBlock {
  readonly kind: 'nextKey';
  /** 0 to 32767 */
  readonly keyId: number;
  /** the key of the tag set in the other direction */
  readonly reverse: boolean;
  /** only with `reverse` false */
  readonly requestReverse: boolean;
  /** 32 bytes; absent: the key with this id is known */
  readonly publicKey?: Uint8Array;
}

export type PayloadBlock =
  /** milliseconds since the epoch, whole seconds on the wire */
  | { readonly kind: 'dateTime'; readonly at: number }
  | { readonly kind: 'termination'; readonly reason: number; readonly data: Uint8Array }
  /** nobody sends or honours them; kept as bytes, 21 and more */
  | { readonly kind: 'options'; readonly data: Uint8Array }
  /** index of the last tag of the previous tag set, u16 */
  | { readonly kind: 'messageNumber'; readonly previous: number }
  | NextKeyBlock
  /** 1 or more */
  | { readonly kind: 'ack'; readonly acks: readonly AckedMessage[] }
  | { readonly kind: 'ackRequest' }
  | { readonly kind: 'clove'; readonly clove: GarlicClove }
  /** bytes of zeros behind the block's header */
  | { readonly kind: 'padding'; readonly length: number };
