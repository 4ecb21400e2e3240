import type { Codec } from '@allium/common/bytes/codec.ts';

export interface TunnelGateway {
  readonly kind: 'tunnelGateway';
  /** u32 at the gateway */
  readonly tunnelId: number;
  /** an I2NP message with the long header; `decodeLong` reads it */
  readonly data: Uint8Array;
}

/** I2NP, "TunnelGateway". */
export const tunnelGatewayCodec: Codec<TunnelGateway> = {
  structure: 'TunnelGateway',
  size: (value) => 6 + value.data.length,
  write: (out, value) => void out.u32(value.tunnelId).u16(value.data.length).bytes(value.data),
  read: (input) => ({ kind: 'tunnelGateway', tunnelId: input.u32(), data: input.bytes(input.u16()) }),
};
