import type { Codec } from '@allium/common/bytes/codec.ts';

export interface Data {
  readonly kind: 'data';
  /** for a Destination: the gzip'd I2CP payload */
  readonly data: Uint8Array;
}

/** I2NP, "Data": only inside garlic. */
export const dataCodec: Codec<Data> = {
  structure: 'Data',
  size: (value) => 4 + value.data.length,
  write: (out, value) => void out.u32(value.data.length).bytes(value.data),
  read: (input) => ({ kind: 'data', data: input.bytes(input.u32()) }),
};
