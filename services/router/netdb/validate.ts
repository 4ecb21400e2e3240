import { hostKind } from '@allium/common/net/address-rules.ts';
import { isLowOrder } from '../crypto/x25519.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import { isAtLeast, netId } from '../wire/router-caps.ts';
import { ROUTER_INFO_MAX_SIZE, type RouterInfo } from '../wire/router-info.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Oldest API version that may be stored: short tunnel builds and floodfill use need it anyway. */
export const VERSION_FLOOR = '0.9.59';
/** Clocks that differ by more than this (ms) are wrong; i2pd uses the same. */
export const MAX_FUTURE = 2 * MINUTE;
/** A RouterInfo older than this (ms) is not taken: routers sign anew at least every day. */
export const MAX_ROUTER_INFO_AGE = 72 * HOUR;
/** Rows from disk and reseed bundles may be this old (ms): after a week without us they still find peers. */
export const MAX_STORED_AGE = 14 * 24 * HOUR;
/** Addresses of one RouterInfo that we look at; more are odd. */
export const MAX_ADDRESSES = 16;
/** No LeaseSet is kept longer than this (ms): leases end after 10 minutes, i2pd's after 11. */
export const MAX_LEASE_SET_LIFE = 20 * MINUTE;

export interface NetDbRules {
  readonly netId: number;
  /** private networks only; refused by the configuration for netId 2 */
  readonly allowPrivateAddresses: boolean;
}

export type RouterInfoRefusal =
  | 'net-id'
  | 'version'
  | 'future'
  | 'expired'
  | 'size'
  | 'key-type'
  | 'weak-key'
  | 'host-name'
  | 'reserved-address';

/** Why a RouterInfo (signature already verified by its decoder) is not taken; undefined when it is. */
export function refuseRouterInfo(
  info: RouterInfo,
  rules: NetDbRules,
  now: number,
  maxAge: number,
): RouterInfoRefusal | undefined {
  if (info.raw.length > ROUTER_INFO_MAX_SIZE || info.addresses.length > MAX_ADDRESSES) return 'size';
  if (netId(info) !== rules.netId) return 'net-id';
  if (!isAtLeast(info, VERSION_FLOOR)) return 'version';
  // negated, so that a date that is no number is refused too
  if (!(info.published <= now + MAX_FUTURE)) return 'future';
  if (info.published < now - maxAge) return 'expired';
  // ElGamal routers cannot take our build records or lookups
  if (info.identity.publicKey.length !== 32) return 'key-type';
  if (isLowOrder(info.identity.publicKey)) return 'weak-key';
  for (const { options } of info.addresses) {
    const host = options.get('host');
    const kind = host === undefined ? undefined : hostKind(host);
    if (kind === 'name') return 'host-name';
    if (kind === 'reserved' && !rules.allowPrivateAddresses) return 'reserved-address';
  }
  return undefined;
}

export type LeaseSetRefusal = 'future' | 'expired' | 'no-leases';

/** Why a LeaseSet (signature already verified by its decoder) is not taken; undefined when it is. */
export function refuseLeaseSet(leaseSet: LeaseSet2, now: number): LeaseSetRefusal | undefined {
  const { published, expires, leases, offline } = leaseSet;
  if (!(published <= now + MAX_FUTURE)) return 'future';
  if (!(expires > now) || (offline && offline.expires <= now)) return 'expired';
  return leases.some((lease) => lease.expires > now) ? undefined : 'no-leases';
}

/** When a LeaseSet is of no more use, ms: with its last lease, whatever longer life its header claims. */
export function leaseSetEnd({ expires, leases }: LeaseSet2, now: number): number {
  const last = Math.max(...leases.map((lease) => lease.expires));
  return Math.min(expires, last, now + MAX_LEASE_SET_LIFE);
}
