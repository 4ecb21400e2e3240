import { ED25519_SIGNATURE_LENGTH, ed25519Sign } from '../crypto/ed25519.ts';
import { SIGNATURE_TYPES, verifySignature } from '../crypto/signature.ts';
import type { Destination, DestinationKeys } from '../wire/destination.ts';
import type { OfflineSignature } from '../wire/offline-signature.ts';
import { type DecodedPacket, encodePacket, STREAM_FLAG, type StreamPacket } from './packet.ts';

/** Who signs our packets: the Destination's own key, or a transient one that it vouched for. */
export interface StreamSigner {
  readonly destination: Destination;
  /** bytes of every signature */
  readonly signatureLength: number;
  /** an OfflineSignature structure, when `sign` uses a transient key; sent along with every signature */
  readonly offlineSection?: Uint8Array | undefined;
  sign(message: Uint8Array): Uint8Array;
}

export function signerOf(keys: DestinationKeys): StreamSigner {
  return {
    destination: keys.destination,
    signatureLength: ED25519_SIGNATURE_LENGTH,
    sign: (message) => ed25519Sign(keys.signingSeed, message),
  };
}

/** Encodes and signs: the signature covers the whole packet with its own place zeroed (Streaming Protocol, flag 3). */
export function encodeSigned(packet: StreamPacket, signer: StreamSigner): Uint8Array {
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
