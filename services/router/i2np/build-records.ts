import type { ByteReader } from '@allium/common/bytes/reader.ts';
import type { ByteWriter } from '@allium/common/bytes/writer.ts';

/** bytes of a short build record, request or reply, encrypted (ECIES Tunnel Creation) */
export const SHORT_RECORD_SIZE = 218;
export const MAX_BUILD_RECORDS = 8;

/** One count byte, then the records. */
export function buildRecordsSize(records: readonly Uint8Array[]): number {
  return 1 + records.length * SHORT_RECORD_SIZE;
}

export function writeBuildRecords(out: ByteWriter, records: readonly Uint8Array[]): void {
  if (records.length < 1 || records.length > MAX_BUILD_RECORDS)
    throw new RangeError('number of build records');
  out.u8(records.length);
  for (const record of records) out.bytes(record);
}

/** Views, one per record. */
export function readBuildRecords(input: ByteReader): Uint8Array[] {
  const count = input.u8();
  if (count < 1 || count > MAX_BUILD_RECORDS) input.fail('length', `${count} build records`);
  const records: Uint8Array[] = [];
  for (let i = 0; i < count; i++) records.push(input.bytes(SHORT_RECORD_SIZE));
  return records;
}
