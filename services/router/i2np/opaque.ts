import type { Codec } from '@allium/common/bytes/codec.ts';
import { buildRecordsSize, readBuildRecords, writeBuildRecords } from './build-records.ts';

/* Bodies that carry bytes which only others understand. */

export interface Data {
  readonly kind: 'data';
  /** for a Destination: the gzip'd I2CP payload */
  readonly data: Uint8Array;
}

/** I2NP, "Data": only inside garlic. */
export const dataCodec: Codec<Data> = {
  structure: 'Data',
  size: (value) => 4 + value.data.length,
  write: (out, value) => void out.u32(value.data.length).bytes(value.data),
  read: (input) => ({ kind: 'data', data: input.bytes(input.u32()) }),
};

export interface Garlic {
  readonly kind: 'garlic';
  /** encrypted, without the length field */
  readonly data: Uint8Array;
}

/** I2NP, "Garlic". The length field is checked against what is there. */
export const garlicCodec: Codec<Garlic> = {
  structure: 'Garlic',
  size: (value) => 4 + value.data.length,
  write: (out, value) => void out.u32(value.data.length).bytes(value.data),
  read: (input) => ({ kind: 'garlic', data: input.bytes(input.u32()) }),
};

/** bytes after the tunnel id (Tunnel Message): IV and encrypted fragments */
export const TUNNEL_DATA_SIZE = 1024;

export interface TunnelData {
  readonly kind: 'tunnelData';
  /** u32 at the receiver */
  readonly tunnelId: number;
  /** 1024 bytes, IV first */
  readonly data: Uint8Array;
}

/** I2NP, "TunnelData". */
export const tunnelDataCodec: Codec<TunnelData> = {
  structure: 'TunnelData',
  size: () => 4 + TUNNEL_DATA_SIZE,
  write: (out, value) => void out.u32(value.tunnelId).bytes(value.data),
  read: (input) => ({ kind: 'tunnelData', tunnelId: input.u32(), data: input.bytes(TUNNEL_DATA_SIZE) }),
};

export interface TunnelGateway {
  readonly kind: 'tunnelGateway';
  /** u32 at the gateway */
  readonly tunnelId: number;
  /** an I2NP message with the long header; `decodeLong` reads it */
  readonly data: Uint8Array;
}

/** I2NP, "TunnelGateway". */
export const tunnelGatewayCodec: Codec<TunnelGateway> = {
  structure: 'TunnelGateway',
  size: (value) => 6 + value.data.length,
  write: (out, value) => void out.u32(value.tunnelId).u16(value.data.length).bytes(value.data),
  read: (input) => ({ kind: 'tunnelGateway', tunnelId: input.u32(), data: input.bytes(input.u16()) }),
};

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
