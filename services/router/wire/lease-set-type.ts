import { DecodeError } from '@allium/common/bytes/errors.ts';

/** DatabaseStore types of the LeaseSets (I2NP); a LeaseSet2's signature covers its own as a leading byte. */
export const LEASE_SET_TYPE = { leaseSet: 1, leaseSet2: 3, encrypted: 5, meta: 7 } as const;

/**
 * For the types that are recognised and not read: a LeaseSet of old (1), an encrypted one (5), a MetaLeaseSet (7).
 * Always throws `DecodeError('unsupported')`.
 */
export function refuseLeaseSet(type: number): never {
  switch (type) {
    case LEASE_SET_TYPE.leaseSet:
      throw new DecodeError('unsupported', 'LeaseSet', 0, 'deprecated type 1');
    case LEASE_SET_TYPE.encrypted:
      throw new DecodeError('unsupported', 'EncryptedLeaseSet', 0);
    case LEASE_SET_TYPE.meta:
      throw new DecodeError('unsupported', 'MetaLeaseSet', 0);
    default:
      throw new DecodeError('unsupported', 'DatabaseStore', 0, `type ${type}`);
  }
}
