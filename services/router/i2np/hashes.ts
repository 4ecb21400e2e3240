import type { ByteReader } from '@allium/common/bytes/reader.ts';
import { HASH_LENGTH } from '../wire/hash.ts';

/** `count` hashes as views; the bytes must be there before any of them is cut out. */
export function readHashes(input: ByteReader, count: number): Uint8Array[] {
  const all = input.bytes(count * HASH_LENGTH);
  const hashes: Uint8Array[] = [];
  for (let i = 0; i < count; i++) hashes.push(all.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH));
  return hashes;
}
