import { type Codec, decode, encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { type DatabaseLookup, databaseLookupCodec } from './database-lookup.ts';
import { type DatabaseSearchReply, databaseSearchReplyCodec } from './database-search-reply.ts';
import { type DatabaseStore, databaseStoreCodec } from './database-store.ts';
import { type DeliveryStatus, deliveryStatusCodec } from './delivery-status.ts';
import { I2NP_TYPE, type I2npMessage } from './message.ts';
import {
  type Data,
  dataCodec,
  type Garlic,
  garlicCodec,
  type OutboundTunnelBuildReply,
  outboundTunnelBuildReplyCodec,
  type ShortTunnelBuild,
  shortTunnelBuildCodec,
  type TunnelData,
  type TunnelGateway,
  tunnelDataCodec,
  tunnelGatewayCodec,
} from './opaque.ts';

export type I2npBody =
  | DatabaseStore
  | DatabaseLookup
  | DatabaseSearchReply
  | DeliveryStatus
  | Garlic
  | TunnelData
  | TunnelGateway
  | Data
  | ShortTunnelBuild
  | OutboundTunnelBuildReply;

export type I2npKind = I2npBody['kind'];

const CODECS: { readonly [K in I2npKind]: Codec<Extract<I2npBody, { kind: K }>> } = {
  databaseStore: databaseStoreCodec,
  databaseLookup: databaseLookupCodec,
  databaseSearchReply: databaseSearchReplyCodec,
  deliveryStatus: deliveryStatusCodec,
  garlic: garlicCodec,
  tunnelData: tunnelDataCodec,
  tunnelGateway: tunnelGatewayCodec,
  data: dataCodec,
  shortTunnelBuild: shortTunnelBuildCodec,
  outboundTunnelBuildReply: outboundTunnelBuildReplyCodec,
};

const KINDS: ReadonlyMap<number, I2npKind> = new Map(
  (Object.keys(CODECS) as I2npKind[]).map((kind) => [I2NP_TYPE[kind], kind]),
);

/**
 * The body of a message. Throws `DecodeError`: 'unsupported' for the long tunnel builds, unknown types and LeaseSets
 * that we don't read. A DatabaseStore is verified and owns its memory; all else are views of the payload.
 */
export function decodeBody(message: Pick<I2npMessage, 'type' | 'payload'>): I2npBody {
  const kind = KINDS.get(message.type);
  if (kind === undefined) throw new DecodeError('unsupported', 'I2NPMessage', 0, `type ${message.type}`);
  return decode<I2npBody>(codecOf(kind), message.payload);
}

export function encodeBody(body: I2npBody): { readonly type: number; readonly payload: Uint8Array } {
  return { type: I2NP_TYPE[body.kind], payload: encode(codecOf(body.kind), body) };
}

/** A whole message; `id` is a u32, `expires` in milliseconds since the epoch. */
export function messageOf(body: I2npBody, id: number, expires: number): I2npMessage {
  return { ...encodeBody(body), id, expires };
}

/** A body only ever meets the codec of its own kind, which the type system can't follow. */
function codecOf(kind: I2npKind): Codec<I2npBody> {
  return CODECS[kind] as Codec<I2npBody>;
}
