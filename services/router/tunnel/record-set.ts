import { DecodeError } from '@allium/common/bytes/errors.ts';
import { chacha20 } from '../crypto/aead.ts';
import { MAX_BUILD_RECORDS } from '../i2np/build-records.ts';
import { BUILD_RECORD_SIZE } from './build-record.ts';

/** Fewer would tell a hop how long the tunnel is; the specification recommends 4, and others send 4 or 8. */
export const MIN_BUILD_RECORDS = 4;

/** The records of a build message or reply in memory of their own. Throws `DecodeError`. */
export function readRecords(payload: Uint8Array): Buffer[] {
  const count = payload[0] ?? 0;
  if (count < 1 || count > MAX_BUILD_RECORDS) throw new DecodeError('length', 'ShortTunnelBuild', 0);
  if (payload.length < 1 + count * BUILD_RECORD_SIZE) {
    throw new DecodeError('short', 'ShortTunnelBuild', payload.length);
  }
  const own = Buffer.from(payload);
  return Array.from({ length: count }, (_, slot) => recordAt(own, slot));
}

/** The message's payload: a count, then the records. */
export function writeRecords(records: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(records.length), ...records]);
}

/**
 * What a hop does to every record but its own, and, as it is a stream cipher, also what undoes it: ChaCha20 with
 * the record's slot in the nonce. The block counter starts at 1, as in the AEAD construction.
 */
export function maskRecord(replyKey: Uint8Array, slot: number, record: Uint8Array): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce[4] = slot;
  return chacha20(replyKey, nonce, 1, record);
}

function recordAt(payload: Buffer, slot: number): Buffer {
  const start = 1 + slot * BUILD_RECORD_SIZE;
  return payload.subarray(start, start + BUILD_RECORD_SIZE);
}
