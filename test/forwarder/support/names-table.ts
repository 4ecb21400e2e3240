import { createHash } from 'node:crypto';
import { fromBase64, toBase32 } from '@allium/common/bytes/text.ts';
import type { CompareAnswer, NameAnswer } from '@allium/common/contracts/names.ts';
import { recordedEntropy } from '../../support/entropy.ts';

/** Bytes of a Destination with an Ed25519 key. */
const DESTINATION_LENGTH = 391;

/** A Destination by its looks, which is all that passes here: made of `seed`. */
export function destinationOf(seed: string): { raw: Uint8Array; base32: string } {
  const raw = recordedEntropy(seed)(DESTINATION_LENGTH);
  return { raw, base32: base32Of(raw) };
}

export function base32Of(destination: Uint8Array): string {
  return toBase32(createHash('sha256').update(destination).digest());
}

/** What the router would say of a name for which it knows `base32`, or nothing. */
export function findName(name: string, known: string | undefined): NameAnswer {
  if (!name.endsWith('.i2p')) return { kind: 'outside' };
  if (/^(?:.*\.)?(?:proxy|router|console|mail)\.i2p$/.test(name)) return { kind: 'reserved' };
  const b32 = /^([a-z2-7]{52,})\.b32\.i2p$/.exec(name)?.[1];
  if (b32 !== undefined) return b32.length === 52 ? { kind: 'found', base32: b32 } : { kind: 'encrypted' };
  if (name.includes('_')) return { kind: 'invalid', why: 'an underscore' };
  return known === undefined ? { kind: 'unknown' } : { kind: 'found', base32: known };
}

export function compareNames(found: NameAnswer, destination: string): CompareAnswer {
  const offered = destinationBase32(destination);
  if (offered === undefined) return { kind: 'bad' };
  if (offered === 'encrypted') return { kind: 'encrypted' };
  if (found.kind === 'unknown') return { kind: 'new', base32: offered };
  if (found.kind !== 'found') return { kind: 'bad' };
  return { kind: found.base32 === offered ? 'known' : 'conflict', base32: offered };
}

function destinationBase32(text: string): string | undefined {
  const b32 = /^([a-z2-7]{52,})\.b32\.i2p$/.exec(text)?.[1];
  if (b32 !== undefined) return b32.length === 52 ? b32 : 'encrypted';
  if (text.length < 516) return undefined;
  try {
    return base32Of(fromBase64(text));
  } catch {
    return undefined;
  }
}
