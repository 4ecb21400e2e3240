import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { ByteWriter } from '@allium/common/bytes/writer.ts';
import { type Destination, destinationCodec } from '../wire/destination.ts';
import { type OfflineSignature, readOfflineSignature } from '../wire/offline-signature.ts';

/** Streaming Protocol, "Flags and Option Data Fields". Bits 12-15 are unused. */
export const STREAM_FLAG = {
  synchronize: 1 << 0,
  close: 1 << 1,
  reset: 1 << 2,
  signatureIncluded: 1 << 3,
  signatureRequested: 1 << 4,
  fromIncluded: 1 << 5,
  delayRequested: 1 << 6,
  maxPacketSizeIncluded: 1 << 7,
  profileInteractive: 1 << 8,
  echo: 1 << 9,
  noAck: 1 << 10,
  offlineSignature: 1 << 11,
} as const;

/** Bytes of a packet without NACKs, options and payload. */
export const STREAM_HEADER_LENGTH = 22;
/** The count is one byte. */
export const MAX_NACKS = 255;
/** A SYN with this NACK count carries the 32-byte hash of its target instead (proposal 164). */
const TARGET_NACK_COUNT = 8;

export interface StreamPacket {
  /** the receiver's stream ID; 0 until the sender knows it */
  readonly sendStreamId: number;
  /** the sender's stream ID */
  readonly receiveStreamId: number;
  /** 0 without SYNCHRONIZE is a plain ack */
  readonly sequence: number;
  readonly ackThrough: number;
  readonly nacks: readonly number[];
  /** replay protection of a SYN: hash of the Destination it is meant for */
  readonly target?: Uint8Array | undefined;
  /** seconds; ignored by all receivers */
  readonly resendDelay: number;
  readonly flags: number;
  /** ms; above 60,000 the sender's receive buffer is full */
  readonly delay?: number | undefined;
  readonly from?: Destination | undefined;
  /** bytes of payload that the sender accepts */
  readonly maxPacketSize?: number | undefined;
  /** an offline signature section, ready-made */
  readonly offlineSection?: Uint8Array | undefined;
  readonly signature?: Uint8Array | undefined;
  readonly payload: Uint8Array;
}

/** A packet from outside, with what is needed to check its signature. */
export interface DecodedPacket extends StreamPacket {
  /** the transient key; the Destination's signature over it is valid, its date is not checked */
  readonly offline?: OfflineSignature | undefined;
  /** the whole packet */
  readonly bytes: Uint8Array;
  /** offset in `bytes`; 0 when there is none */
  readonly signatureAt: number;
}

const NO_NACKS: readonly number[] = [];

/**
 * Reads a packet; throws `DecodeError`. All byte fields are views of `bytes`.
 * `remote` is the stream's known peer: i2pd puts an offline section into CLOSE packets without FROM, and its length
 * follows from the Destination's signature type.
 */
export function decodePacket(bytes: Uint8Array, remote?: Destination): DecodedPacket {
  const input = new ByteReader(bytes, 'streaming packet');
  const sendStreamId = input.u32();
  const receiveStreamId = input.u32();
  const sequence = input.u32();
  const ackThrough = input.u32();
  const nackCount = input.u8();
  const nackBytes = input.bytes(nackCount * 4);
  const resendDelay = input.u8();
  const flags = input.u16();
  const optionSize = input.u16();
  const optionStart = input.position;
  const options = new ByteReader(input.bytes(optionSize), 'streaming options');
  const isTarget = (flags & STREAM_FLAG.synchronize) !== 0 && nackCount === TARGET_NACK_COUNT;
  const common = {
    sendStreamId,
    receiveStreamId,
    sequence,
    ackThrough,
    nacks: isTarget || nackCount === 0 ? NO_NACKS : readNacks(nackBytes, nackCount),
    resendDelay,
    flags,
    payload: input.rest(),
    bytes,
  };
  // The data path: no options, or a delay and nothing else.
  if (optionSize === 0) return { ...common, signatureAt: 0, ...(isTarget && { target: nackBytes }) };
  return {
    ...common,
    ...readOptions(options, flags, optionStart, remote),
    ...(isTarget && { target: nackBytes }),
  };
}

function readNacks(bytes: Uint8Array, count: number): number[] {
  const input = new ByteReader(bytes, 'NACKs');
  const nacks: number[] = [];
  for (let i = 0; i < count; i++) nacks.push(input.u32());
  return nacks;
}

/** Options in the order of the specification: delay, from, max packet size, offline signature, signature. */
function readOptions(
  input: ByteReader,
  flags: number,
  start: number,
  remote: Destination | undefined,
): Pick<DecodedPacket, 'delay' | 'from' | 'maxPacketSize' | 'offline' | 'signature' | 'signatureAt'> {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const delay = has(STREAM_FLAG.delayRequested) ? input.u16() : undefined;
  const from = has(STREAM_FLAG.fromIncluded) ? destinationCodec.read(input) : undefined;
  const maxPacketSize = has(STREAM_FLAG.maxPacketSizeIncluded) ? input.u16() : undefined;
  const signed = has(STREAM_FLAG.signatureIncluded);
  // i2pd without signing sets the offline flag and leaves the section out.
  const offline =
    has(STREAM_FLAG.offlineSignature) && (signed || input.remaining > 0)
      ? readOffline(input, from ?? remote)
      : undefined;
  const signatureAt = signed ? start + input.position : 0;
  // Its length follows from the key; the signature is the last option, so it is what is left.
  const signature = signed ? input.rest() : undefined;
  if (signed && signature?.length === 0) input.fail('length', 'empty signature');
  return { delay, from, maxPacketSize, offline, signature, signatureAt };
}

function readOffline(input: ByteReader, owner: Destination | undefined): OfflineSignature {
  if (!owner) return input.fail('unsupported', 'offline signature of nobody');
  return readOfflineSignature(input, owner);
}

/** Bytes of the options of `packet`, whose signature is `signatureLength` bytes long. */
function optionsLength(packet: StreamPacket, signatureLength: number): number {
  let size = 0;
  if (packet.flags & STREAM_FLAG.delayRequested) size += 2;
  if (packet.from) size += packet.from.raw.length;
  if (packet.flags & STREAM_FLAG.maxPacketSizeIncluded) size += 2;
  if (packet.offlineSection) size += packet.offlineSection.length;
  return size + signatureLength;
}

/**
 * Writes a packet in one allocation. With SIGNATURE_INCLUDED, `signatureLength` bytes are left for the signature,
 * zeroed unless the packet brings one; they end where the payload begins.
 */
export function encodePacket(
  packet: StreamPacket,
  signatureLength = packet.signature?.length ?? 0,
): Uint8Array {
  if (packet.nacks.length > MAX_NACKS) throw new RangeError(`${packet.nacks.length} NACKs`);
  const nackCount = packet.target ? TARGET_NACK_COUNT : packet.nacks.length;
  const optionSize = optionsLength(packet, signatureLength);
  const out = new ByteWriter(STREAM_HEADER_LENGTH + nackCount * 4 + optionSize + packet.payload.length);
  out
    .u32(packet.sendStreamId)
    .u32(packet.receiveStreamId)
    .u32(packet.sequence)
    .u32(packet.ackThrough)
    .u8(nackCount);
  if (packet.target) out.bytes(packet.target);
  else for (const nack of packet.nacks) out.u32(nack);
  out.u8(packet.resendDelay).u16(packet.flags).u16(optionSize);
  if (packet.flags & STREAM_FLAG.delayRequested) out.u16(packet.delay ?? 0);
  if (packet.from) out.bytes(packet.from.raw);
  if (packet.flags & STREAM_FLAG.maxPacketSizeIncluded) out.u16(packet.maxPacketSize ?? 0);
  if (packet.offlineSection) out.bytes(packet.offlineSection);
  if (packet.signature) out.bytes(packet.signature);
  else if (signatureLength > 0) out.zeros(signatureLength);
  out.bytes(packet.payload);
  return out.finish();
}

/** The two IDs at the head, enough to find the stream before anything else is read. Throws `DecodeError`. */
export function peekStreamIds(bytes: Uint8Array): {
  readonly sendStreamId: number;
  readonly receiveStreamId: number;
} {
  if (bytes.length < STREAM_HEADER_LENGTH) throw new DecodeError('short', 'streaming packet', bytes.length);
  const input = new ByteReader(bytes, 'streaming packet');
  return { sendStreamId: input.u32(), receiveStreamId: input.u32() };
}
