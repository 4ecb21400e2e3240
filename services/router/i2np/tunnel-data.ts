import type { Codec } from '@allium/common/bytes/codec.ts';

/** bytes after the tunnel id (Tunnel Message): IV and encrypted fragments */
export const TUNNEL_DATA_SIZE = 1024;

export interface TunnelData {
  readonly kind: 'tunnelData';
  /** u32 at the receiver */
  readonly tunnelId: number;
  /** 1024 bytes, IV first */
  readonly data: Uint8Array;
}

/** I2NP, "TunnelData". */
export const tunnelDataCodec: Codec<TunnelData> = {
  structure: 'TunnelData',
  size: () => 4 + TUNNEL_DATA_SIZE,
  write: (out, value) => void out.u32(value.tunnelId).bytes(value.data),
  read: (input) => ({ kind: 'tunnelData', tunnelId: input.u32(), data: input.bytes(TUNNEL_DATA_SIZE) }),
};
