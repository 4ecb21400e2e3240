import type { Codec } from '@allium/common/bytes/codec.ts';
import { HASH_LENGTH } from '../wire/hash.ts';
import { readHashes } from './hashes.ts';

/** I2NP, "DatabaseSearchReply": recommended maximum. Further hashes are read and dropped. */
export const MAX_SEARCH_REPLY_PEERS = 16;

export interface DatabaseSearchReply {
  readonly kind: 'databaseSearchReply';
  /** the 32-byte hash that was looked up */
  readonly key: Uint8Array;
  /** 32-byte router hashes, at most 16 */
  readonly peers: readonly Uint8Array[];
  /** who says that it answers, 32 bytes; not authenticated */
  readonly from: Uint8Array;
}

/** I2NP, "DatabaseSearchReply". */
export const databaseSearchReplyCodec: Codec<DatabaseSearchReply> = {
  structure: 'DatabaseSearchReply',
  size: (value) => HASH_LENGTH + 1 + value.peers.length * HASH_LENGTH + HASH_LENGTH,
  write(out, value) {
    if (value.peers.length > MAX_SEARCH_REPLY_PEERS) throw new RangeError('too many peers');
    out.bytes(value.key).u8(value.peers.length);
    for (const peer of value.peers) out.bytes(peer);
    out.bytes(value.from);
  },
  read(input) {
    const key = input.bytes(HASH_LENGTH);
    const peers = readHashes(input, input.u8());
    const from = input.bytes(HASH_LENGTH);
    return { kind: 'databaseSearchReply', key, peers: peers.slice(0, MAX_SEARCH_REPLY_PEERS), from };
  },
};
