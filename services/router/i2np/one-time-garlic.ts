import { concatBytes } from '@allium/common/bytes/compare.ts';
import { aeadOpen, aeadSeal } from '../crypto/aead.ts';
import { REPLY_TAG_LENGTH, type ReplyKey } from './database-lookup.ts';

/**
 * ECIES Router Messages, "Reply encryption": answers to lookups and outbound build replies, in the form of an Existing
 * Session message. The key is good for one message. `payload` is encoded blocks; the result is a Garlic's `data`.
 */
export function sealOneTime(reply: ReplyKey, payload: Uint8Array): Uint8Array {
  return concatBytes(reply.tag, aeadSeal(reply.key, 0, reply.tag, payload));
}

/** The encoded blocks; undefined when tag or authentication don't fit. */
export function openOneTime(reply: ReplyKey, data: Uint8Array): Uint8Array | undefined {
  const tag = data.subarray(0, REPLY_TAG_LENGTH);
  if (Buffer.compare(tag, reply.tag) !== 0) return undefined;
  return aeadOpen(reply.key, 0, tag, data.subarray(REPLY_TAG_LENGTH));
}
