import type { Codec } from '@allium/common/bytes/codec.ts';

export interface DeliveryStatus {
  readonly kind: 'deliveryStatus';
  /** id of the delivered message, or the token of a DatabaseStore */
  readonly messageId: number;
  /** milliseconds since the epoch, by the clock of who made it */
  readonly timestamp: number;
}

/** I2NP, "DeliveryStatus". */
export const deliveryStatusCodec: Codec<DeliveryStatus> = {
  structure: 'DeliveryStatus',
  size: () => 12,
  write: (out, value) => void out.u32(value.messageId).u64(value.timestamp),
  read: (input) => ({ kind: 'deliveryStatus', messageId: input.u32(), timestamp: input.u64() }),
};
