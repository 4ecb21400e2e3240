import type { ByteReader } from '@allium/common/bytes/reader.ts';
import type { ByteWriter } from '@allium/common/bytes/writer.ts';
import { HASH_LENGTH } from '../wire/hash.ts';
import { type I2npMessage, readShort, shortSize, writeShort } from './message.ts';

/** I2NP, "Garlic Clove Delivery Instructions"; not the ones of tunnel messages. Hashes are 32 bytes. */
export type CloveDelivery =
  | { readonly kind: 'local' }
  | { readonly kind: 'destination'; readonly hash: Uint8Array }
  | { readonly kind: 'router'; readonly hash: Uint8Array }
  /** `hash` is the gateway's */
  | { readonly kind: 'tunnel'; readonly hash: Uint8Array; readonly tunnelId: number };

/** ECIES Ratchet, "Garlic Clove": a message and where its receiver sends it. */
export interface GarlicClove {
  readonly delivery: CloveDelivery;
  readonly message: I2npMessage;
}

export const LOCAL_DELIVERY: CloveDelivery = { kind: 'local' };

/** Index is the value of bits 6-5. */
const DELIVERY_KINDS = ['local', 'destination', 'router', 'tunnel'] as const;
const KIND_SHIFT = 5;
const SESSION_KEY = 0x80;
const DELAY = 0x10;

/** Bytes of the clove as content of a block. */
export function cloveSize(clove: GarlicClove): number {
  return deliverySize(clove.delivery) + shortSize(clove.message);
}

export function writeClove(out: ByteWriter, clove: GarlicClove): void {
  const { delivery } = clove;
  out.u8(DELIVERY_KINDS.indexOf(delivery.kind) << KIND_SHIFT);
  if (delivery.kind !== 'local') out.bytes(delivery.hash);
  if (delivery.kind === 'tunnel') out.u32(delivery.tunnelId);
  writeShort(out, clove.message);
}

/** Takes all of `input`, the content of one block; hash and payload are views. Throws `DecodeError`. */
export function readClove(input: ByteReader): GarlicClove {
  const delivery = readDelivery(input);
  return { delivery, message: readShort(input) };
}

function deliverySize(delivery: CloveDelivery): number {
  switch (delivery.kind) {
    case 'local':
      return 1;
    case 'destination':
    case 'router':
      return 1 + HASH_LENGTH;
    case 'tunnel':
      return 1 + HASH_LENGTH + 4;
  }
}

function readDelivery(input: ByteReader): CloveDelivery {
  const flags = input.u8();
  if ((flags & (SESSION_KEY | DELAY)) !== 0) input.fail('unsupported', 'session key or delay in a clove');
  const kind = DELIVERY_KINDS[(flags >>> KIND_SHIFT) & 3] ?? 'local';
  switch (kind) {
    case 'local':
      return LOCAL_DELIVERY;
    case 'destination':
    case 'router':
      return { kind, hash: input.bytes(HASH_LENGTH) };
    case 'tunnel':
      return { kind, hash: input.bytes(HASH_LENGTH), tunnelId: input.u32() };
  }
}
