import { decode, encode } from '@allium/common/bytes/codec.ts';
import { equalBytes } from '@allium/common/bytes/compare.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { aeadOpen, aeadSeal } from '../crypto/aead.ts';
import { sha256 } from '../crypto/hash.ts';
import type { KeyPair } from '../crypto/x25519.ts';
import {
  type BuildReply,
  type BuildRequest,
  buildReplyCodec,
  HASH_PREFIX_SIZE,
  type HopKeys,
  openRequest,
} from './build-record.ts';
import type { BuiltHop, PendingRecords } from './build-request.ts';
import { maskRecord, readRecords, writeRecords } from './record-set.ts';

/** What each hop answered, in the order of the tunnel. */
export interface HopAnswer {
  readonly hop: BuiltHop;
  readonly reply: BuildReply;
}

/**
 * The creator reads the reply. Throws `DecodeError`: 'authentication' when a record does not open or our own record
 * of an inbound build was changed on the way. Such a reply says nothing about any hop.
 */
export function openReply(payload: Uint8Array, pending: PendingRecords): HopAnswer[] {
  const records: Uint8Array[] = readRecords(payload);
  if (records.length !== pending.count) throw new DecodeError('length', 'ShortTunnelBuild', 0);
  const { decoy, hops } = pending;
  if (decoy && !equalBytes(sha256(records[decoy.slot] as Uint8Array), decoy.digest))
    throw tampered(decoy.slot);
  const answers: HopAnswer[] = [];
  for (let at = hops.length - 1; at >= 0; at--) {
    const hop = hops[at] as BuiltHop;
    const clear = aeadOpen(hop.keys.replyKey, hop.slot, hop.keys.hash, records[hop.slot] as Uint8Array);
    if (!clear) throw tampered(hop.slot);
    answers.unshift({ hop, reply: decode(buildReplyCodec, clear) });
    for (const { slot } of hops.slice(0, at)) {
      records[slot] = maskRecord(hop.keys.replyKey, slot, records[slot] as Uint8Array);
    }
  }
  return answers;
}

/** A hop's own record, opened. */
export interface FoundRequest {
  readonly request: BuildRequest;
  readonly keys: HopKeys;
  readonly slot: number;
  /** as received; `answerRequest` works on them */
  readonly records: readonly Uint8Array[];
  /** the creator's one-time public key: equal ones are replays */
  readonly ephemeral: Uint8Array;
}

/** The record of a build message that is meant for us; undefined when there is none. Throws `DecodeError`. */
export function findRequest(
  payload: Uint8Array,
  localHash: Uint8Array,
  keyPair: KeyPair,
): FoundRequest | undefined {
  const records = readRecords(payload);
  const prefix = localHash.subarray(0, HASH_PREFIX_SIZE);
  const slot = records.findIndex((record) => equalBytes(record.subarray(0, HASH_PREFIX_SIZE), prefix));
  const record = records[slot];
  if (!record) return undefined;
  const { request, keys } = openRequest(record, keyPair);
  return {
    request,
    keys,
    slot,
    records,
    ephemeral: record.subarray(HASH_PREFIX_SIZE, HASH_PREFIX_SIZE + 32),
  };
}

/** The payload that the hop passes on: its answer sealed in place of its record, every other record masked. */
export function answerRequest(found: FoundRequest, reply: BuildReply): Uint8Array {
  const { replyKey, hash } = found.keys;
  return writeRecords(
    found.records.map((record, slot) =>
      slot === found.slot
        ? aeadSeal(replyKey, slot, hash, encode(buildReplyCodec, reply))
        : maskRecord(replyKey, slot, record),
    ),
  );
}

function tampered(slot: number): DecodeError {
  return new DecodeError('authentication', 'ShortBuildReplyRecord', slot);
}
