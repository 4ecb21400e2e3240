import type { Codec } from '@allium/common/bytes/codec.ts';
import { copyOf, equalBytes } from '@allium/common/bytes/compare.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { ed25519Public } from '../crypto/ed25519.ts';
import { sha256 } from '../crypto/hash.ts';
import { type KeyPair, x25519KeyPair, x25519Public } from '../crypto/x25519.ts';
import { type DestHash, destHash } from './hash.ts';
import { CRYPTO_TYPE } from './key-types.ts';
import { readKeysAndCert, writeKeysAndCert } from './keys-and-cert.ts';

/** The encryption field is unused and not shown: the real keys are in the LeaseSet. */
export interface Destination {
  readonly raw: Uint8Array;
  readonly hash: DestHash;
  /** 0 for all but a few strays; says nothing about the encryption of the LeaseSet */
  readonly cryptoType: number;
  readonly signatureType: number;
  readonly signingKey: Uint8Array;
}

const STRUCTURE = 'Destination';

/** Common Structures, "Destination". What it reads owns its memory. */
export const destinationCodec: Codec<Destination> = {
  structure: STRUCTURE,
  size: (value) => value.raw.length,
  write: (out, value) => void out.bytes(value.raw),
  read: (input) => destinationOf(copyOf(readKeysAndCert(input).raw)),
};

/** The Destination that `raw` is, all of it; keeps `raw`. Throws `DecodeError`. */
export function destinationOf(raw: Uint8Array): Destination {
  const input = new ByteReader(raw, STRUCTURE);
  const destination = viewDestination(input);
  input.expectEnd();
  return destination;
}

/** Reads a Destination inside a greater structure that owns the memory; all parts are views. */
export function viewDestination(input: ByteReader): Destination {
  const { raw, cryptoType, signatureType, signingKey } = readKeysAndCert(input);
  return { raw, hash: destHash(sha256(raw)), cryptoType, signatureType, signingKey };
}

/** A Destination of ours. */
export interface DestinationKeys {
  readonly destination: Destination;
  /** Ed25519, 32 bytes */
  readonly signingSeed: Uint8Array;
  /** X25519 key for the LeaseSet; no part of the Destination */
  readonly encryption: KeyPair;
}

/**
 * Ed25519 with crypto type 0: other types in a Destination can't be read by Java routers, although the
 * 256-byte field is unused. It is filled with repeated random bytes (proposal 161).
 */
export function createDestinationKeys(random: RandomBytes): DestinationKeys {
  const signingSeed = Uint8Array.from(random(32));
  const none = new Uint8Array(0);
  const raw = writeKeysAndCert(CRYPTO_TYPE.elGamal, none, ed25519Public(signingSeed), random);
  return { destination: destinationOf(raw), signingSeed, encryption: x25519KeyPair(random) };
}

/** Our own format, for our own disk: Destination, seed, private key. Keys that don't belong together are refused. */
export const destinationKeysCodec: Codec<DestinationKeys> = {
  structure: 'DestinationKeys',
  size: (value) => value.destination.raw.length + 2 * 32,
  write(out, value) {
    destinationCodec.write(out, value.destination);
    out.bytes(value.signingSeed).bytes(value.encryption.privateKey);
  },
  read(input) {
    const destination = destinationCodec.read(input);
    const signingSeed = input.copyOf(32);
    const privateKey = input.copyOf(32);
    if (!equalBytes(ed25519Public(signingSeed), destination.signingKey)) {
      input.fail('authentication', 'private key of another Destination');
    }
    return { destination, signingSeed, encryption: { privateKey, publicKey: x25519Public(privateKey) } };
  },
};
