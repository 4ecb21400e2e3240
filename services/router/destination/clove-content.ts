import { DecodeError } from '@allium/common/bytes/errors.ts';
import { decodeBody, type I2npBody } from '../i2np/body.ts';
import { type GarlicClove, LOCAL_DELIVERY } from '../i2np/clove.ts';
import { storeOf } from '../i2np/database-store.ts';
import type { I2npMessage } from '../i2np/message.ts';
import type { LeaseSet2 } from '../wire/lease-set2.ts';
import { decodeI2cp, encodeI2cp, type I2cpFrame } from './i2cp-gzip.ts';
import { supportedKey } from './remotes.ts';
import type { Outgoing } from './waiting.ts';

/** Gives a body its header: ID and expiration. */
type MakeMessage = (body: I2npBody) => I2npMessage;

/** A payload for the Destination whose hash is `to`. */
export function dataClove(to: Uint8Array, payload: Outgoing, make: MakeMessage): GarlicClove {
  const data = encodeI2cp(payload, payload.compress);
  return { delivery: { kind: 'destination', hash: to }, message: make({ kind: 'data', data }) };
}

/** Our LeaseSet, for whoever is to answer us. */
export function leaseSetClove(leaseSet: LeaseSet2, make: MakeMessage): GarlicClove {
  return { delivery: LOCAL_DELIVERY, message: make(storeOf({ what: 'leaseSet', leaseSet })) };
}

/** The encrypted bytes of a Garlic message; undefined for anything else. */
export function garlicOf(message: I2npMessage): Uint8Array | undefined {
  const body = attempt(() => decodeBody(message));
  return body?.kind === 'garlic' ? body.data : undefined;
}

/**
 * The LeaseSet in a DatabaseStore that came through a session of the static key `from`. It is believed only if it is
 * that of the session's own key; undefined for everything else.
 */
export function leaseSetOf(message: I2npMessage, from: Uint8Array | undefined): LeaseSet2 | undefined {
  const body = attempt(() => decodeBody(message));
  if (body?.kind !== 'databaseStore' || body.entry.what !== 'leaseSet' || !from) return undefined;
  const { leaseSet } = body.entry;
  const key = supportedKey(leaseSet);
  return key && Buffer.compare(key, from) === 0 ? leaseSet : undefined;
}

/** The payload in a Data message; undefined when it is none, or damaged. */
export function frameOf(message: I2npMessage): I2cpFrame | undefined {
  return attempt(() => {
    const body = decodeBody(message);
    return body.kind === 'data' ? decodeI2cp(body.data) : undefined;
  });
}

/** What a decoder gives, or undefined for what it refuses: the sender's fault. */
function attempt<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
