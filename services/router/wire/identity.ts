import { ED25519_SIGNATURE_LENGTH, ed25519Sign } from '../crypto/ed25519.ts';
import type { KeyPair } from '../crypto/x25519.ts';
import type { Destination, DestinationKeys } from './destination.ts';

/** Who signs for a Destination: its own key, or a transient one that it vouched for. */
export interface Signer {
  readonly destination: Destination;
  /** bytes of every signature */
  readonly signatureLength: number;
  /** an OfflineSignature structure, when `sign` uses a transient key; goes along with every signature */
  readonly offlineSection?: Uint8Array | undefined;
  sign(message: Uint8Array): Uint8Array;
}

/** All that a local Destination needs to know of itself. */
export interface Identity {
  readonly destination: Destination;
  /** X25519 pair whose public half stands in our LeaseSets; no part of the Destination */
  readonly leaseSetKeys: KeyPair;
  /** undefined: its owner signs elsewhere, and makes our LeaseSets when he is asked to */
  readonly signer?: Signer | undefined;
}

export function signerOf({ destination, signingSeed }: DestinationKeys): Signer {
  return {
    destination,
    signatureLength: ED25519_SIGNATURE_LENGTH,
    sign: (message) => ed25519Sign(signingSeed, message),
  };
}

/** A Destination whose keys are all here. */
export function identityOf(keys: DestinationKeys): Identity {
  return { destination: keys.destination, leaseSetKeys: keys.encryption, signer: signerOf(keys) };
}
