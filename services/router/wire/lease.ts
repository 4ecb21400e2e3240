import type { Codec } from '@allium/common/bytes/codec.ts';
import { HASH_LENGTH, hashBytes, type RouterHash, routerHash } from './hash.ts';

/** A tunnel that leads to a Destination. */
export interface Lease {
  readonly gateway: RouterHash;
  /** u32 at the gateway, not zero */
  readonly tunnelId: number;
  /** milliseconds since the epoch, whole seconds on the wire */
  readonly expires: number;
}

/** bytes */
export const LEASE2_SIZE = 40;

/** Common Structures, "Lease2". */
export const leaseCodec: Codec<Lease> = {
  structure: 'Lease2',
  size: () => LEASE2_SIZE,
  write(out, value) {
    out
      .bytes(hashBytes(value.gateway))
      .u32(value.tunnelId)
      .u32(Math.floor(value.expires / 1000));
  },
  read(input) {
    const gateway = routerHash(input.bytes(HASH_LENGTH));
    return { gateway, tunnelId: input.u32(), expires: input.u32() * 1000 };
  },
};
