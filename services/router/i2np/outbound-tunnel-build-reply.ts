import type { Codec } from '@allium/common/bytes/codec.ts';
import { buildRecordsSize, readBuildRecords, writeBuildRecords } from './build-records.ts';

export interface OutboundTunnelBuildReply {
  readonly kind: 'outboundTunnelBuildReply';
  /** 1 to 8 of 218 bytes, encrypted */
  readonly records: readonly Uint8Array[];
}

/** I2NP, "OutboundTunnelBuildReply". */
export const outboundTunnelBuildReplyCodec: Codec<OutboundTunnelBuildReply> = {
  structure: 'OutboundTunnelBuildReply',
  size: (value) => buildRecordsSize(value.records),
  write: (out, value) => writeBuildRecords(out, value.records),
  read: (input) => ({ kind: 'outboundTunnelBuildReply', records: readBuildRecords(input) }),
};
