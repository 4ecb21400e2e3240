/** DatabaseStore types of the LeaseSets (I2NP); the signature of all but the first covers its type as a leading byte. */
export const LEASE_SET_TYPE = { leaseSet: 1, leaseSet2: 3, encrypted: 5, meta: 7 } as const;
