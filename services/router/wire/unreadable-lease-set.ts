import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { sha256 } from '../crypto/hash.ts';
import { verifySignature } from '../crypto/signature.ts';
import { type Destination, viewDestination } from './destination.ts';
import { type DestHash, destHash } from './hash.ts';
import { signatureLength, signingKeyLength } from './key-types.ts';
import { KEYS_LENGTH } from './keys-and-cert.ts';
import { LEASE_SET_TYPE } from './lease-set-type.ts';
import { LEASE_SET_MAX_SIZE, LEASE_SET2_FLAG } from './lease-set2.ts';
import { type OfflineSignature, readOfflineSignature } from './offline-signature.ts';

/** A LeaseSet that exists and that we can't read. */
export interface UnreadableLeaseSet {
  /** of the Destination, or of an encrypted LeaseSet's blinded key */
  readonly hash: DestHash;
  readonly type: number;
  /** without the leading type byte; owns its memory */
  readonly raw: Uint8Array;
  /** its owner made it, and not whoever sent it */
  readonly proven: boolean;
}

const STRUCTURE = 'UnreadableLeaseSet';

/**
 * Common Structures: a LeaseSet of old (1), an encrypted one (5), a MetaLeaseSet (7), or a LeaseSet2 (3) whose signatures
 * we have no algorithm for. undefined: this one can be read, or is something else. Throws `DecodeError` for what is
 * none of them although it says so.
 */
export function unreadableLeaseSet(type: number, bytes: Uint8Array): UnreadableLeaseSet | undefined {
  if (bytes.length > LEASE_SET_MAX_SIZE) throw new DecodeError('length', STRUCTURE, 0, 'too long');
  const raw = Uint8Array.from(bytes);
  const input = new ByteReader(raw, STRUCTURE);
  switch (type) {
    case LEASE_SET_TYPE.encrypted:
      // whoever knows what hashes to the key got it from its owner
      return { hash: blindedHash(input), type, raw, proven: true };
    case LEASE_SET_TYPE.leaseSet: {
      const destination = knownDestination(input);
      if (!destination) return { hash: unknownHash(raw), type, raw, proven: true };
      return { hash: destination.hash, type, raw, proven: isSigned(raw, destination) };
    }
    case LEASE_SET_TYPE.meta:
    case LEASE_SET_TYPE.leaseSet2: {
      const destination = knownDestination(input);
      if (!destination) return { hash: unknownHash(raw), type, raw, proven: true };
      const signer = readSigner(input, destination);
      if (signer && type === LEASE_SET_TYPE.leaseSet2) return undefined;
      const signed = Buffer.concat([Uint8Array.of(type), raw]);
      return { hash: destination.hash, type, raw, proven: signer !== undefined && isSigned(signed, signer) };
    }
    default:
      return undefined;
  }
}

function blindedHash(input: ByteReader): DestHash {
  const start = input.position;
  const length = signingKeyLength(input.u16());
  if (length === undefined) input.fail('unsupported', 'type of the blinded key');
  input.skip(length);
  return destHash(sha256(input.since(start)));
}

type Signer = Pick<OfflineSignature, 'signatureType' | 'signingKey'>;

/** undefined: its keys are of types that we don't know. */
function knownDestination(input: ByteReader): Destination | undefined {
  return unlessUnsupported(() => viewDestination(input));
}

/** Of a Destination that we can't read: its length follows from its certificate. The hash says whose it is. */
function unknownHash(raw: Uint8Array): DestHash {
  const input = new ByteReader(raw, STRUCTURE);
  input.skip(KEYS_LENGTH + 1);
  input.skip(input.u16());
  return destHash(sha256(input.since(0)));
}

/** undefined: a transient key of a type that we don't know. */
function readSigner(input: ByteReader, destination: Destination): Signer | undefined {
  input.skip(6);
  const offline = (input.u16() & LEASE_SET2_FLAG.offline) !== 0;
  return offline ? unlessUnsupported(() => readOfflineSignature(input, destination)) : destination;
}

function isSigned(bytes: Uint8Array, { signatureType, signingKey }: Signer): boolean {
  const end = bytes.length - (signatureLength(signatureType) ?? 0);
  return end > 0 && verifySignature(signatureType, signingKey, bytes.subarray(0, end), bytes.subarray(end));
}

function unlessUnsupported<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError && error.code === 'unsupported') return undefined;
    throw error;
  }
}
