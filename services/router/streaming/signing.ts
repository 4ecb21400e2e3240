import { SIGNATURE_TYPES, verifySignature } from '../crypto/signature.ts';
import type { Destination } from '../wire/destination.ts';
import type { Signer } from '../wire/identity.ts';
import type { OfflineSignature } from '../wire/offline-signature.ts';
import { type DecodedPacket, encodePacket, STREAM_FLAG, type StreamPacket } from './packet.ts';

/** Encodes and signs: the signature covers the whole packet with its own place zeroed (Streaming Protocol, flag 3). */
export function encodeSigned(packet: StreamPacket, signer: Signer): Uint8Array {
  const { offlineSection, signatureLength } = signer;
  const offlineFlag = offlineSection ? STREAM_FLAG.offlineSignature : 0;
  const flags = packet.flags | STREAM_FLAG.signatureIncluded | offlineFlag;
  const bytes = encodePacket({ ...packet, flags, offlineSection }, signatureLength);
  bytes.set(signer.sign(bytes), bytes.length - packet.payload.length - signatureLength);
  return bytes;
}

/** The key that a peer's signatures are checked with. */
export interface PeerKey {
  readonly destination: Destination;
  /** known from an earlier packet of the stream */
  readonly offline?: OfflineSignature | undefined;
}

/** True when the packet carries a valid signature of `peer`, by its own key or by an unexpired transient one. */
export function verifyPacket(packet: DecodedPacket, peer: PeerKey, now: number): boolean {
  const { signature } = packet;
  if (!signature) return false;
  const offline = packet.offline ?? peer.offline;
  if (offline && offline.expires <= now) return false;
  const { signatureType, signingKey } = offline ?? peer.destination;
  if (SIGNATURE_TYPES.get(signatureType)?.signatureLength !== signature.length) return false;
  const zeroed = Buffer.from(packet.bytes);
  zeroed.fill(0, packet.signatureAt, packet.signatureAt + signature.length);
  return verifySignature(signatureType, signingKey, zeroed, signature);
}
