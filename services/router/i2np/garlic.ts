import type { Codec } from '@allium/common/bytes/codec.ts';

export interface Garlic {
  readonly kind: 'garlic';
  /** encrypted, without the length field */
  readonly data: Uint8Array;
}

/** I2NP, "Garlic". The length field is checked against what is there. */
export const garlicCodec: Codec<Garlic> = {
  structure: 'Garlic',
  size: (value) => 4 + value.data.length,
  write: (out, value) => void out.u32(value.data.length).bytes(value.data),
  read: (input) => ({ kind: 'garlic', data: input.bytes(input.u32()) }),
};
