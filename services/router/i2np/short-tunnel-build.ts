import type { Codec } from '@allium/common/bytes/codec.ts';
import { buildRecordsSize, readBuildRecords, writeBuildRecords } from './build-records.ts';

export interface ShortTunnelBuild {
  readonly kind: 'shortTunnelBuild';
  /** 1 to 8 of 218 bytes, encrypted */
  readonly records: readonly Uint8Array[];
}

/** I2NP, "ShortTunnelBuild". */
export const shortTunnelBuildCodec: Codec<ShortTunnelBuild> = {
  structure: 'ShortTunnelBuild',
  size: (value) => buildRecordsSize(value.records),
  write: (out, value) => writeBuildRecords(out, value.records),
  read: (input) => ({ kind: 'shortTunnelBuild', records: readBuildRecords(input) }),
};
