import type { RandomBytes } from '@allium/common/core/random.ts';
import { ed25519Sign } from '@allium/router/crypto/ed25519.ts';
import { sha256 } from '@allium/router/crypto/hash.ts';
import type { DestinationKeys } from '@allium/router/wire/destination.ts';
import { type DestHash, destHash } from '@allium/router/wire/hash.ts';

/** A LeaseSet as it is sent, and what it is stored under. */
export interface OddLeaseSet {
  readonly type: number;
  readonly raw: Uint8Array;
  readonly hash: DestHash;
}

function u16(value: number): Buffer {
  return Buffer.of(value >>> 8, value & 0xff);
}

/** Published, expires, flags: ten minutes from any time. */
function header(at: number, flags = 0): Buffer {
  const published = Buffer.alloc(4);
  published.writeUInt32BE(Math.floor(at / 1000));
  return Buffer.concat([published, u16(600), u16(flags)]);
}

function signed({ signingSeed }: DestinationKeys, prefix: Uint8Array, body: Uint8Array): Uint8Array {
  return Buffer.concat([body, ed25519Sign(signingSeed, Buffer.concat([prefix, body]))]);
}

/** Type 1: destination, ElGamal key, revocation key, one lease of 44 bytes. */
export function oldLeaseSet(keys: DestinationKeys, at: number): OddLeaseSet {
  const lease = Buffer.alloc(44, 3);
  lease.writeBigUInt64BE(BigInt(at + 600_000), 36);
  const { raw, signingKey, hash } = keys.destination;
  const body = Buffer.concat([raw, Buffer.alloc(256, 5), signingKey, Buffer.of(1), lease]);
  return { type: 1, raw: signed(keys, new Uint8Array(0), body), hash };
}

/** Type 7: no options, one MetaLease of 40 bytes, no revocations. */
export function metaLeaseSet(keys: DestinationKeys, at: number): OddLeaseSet {
  const { raw, hash } = keys.destination;
  const body = Buffer.concat([raw, header(at), u16(0), Buffer.of(1), Buffer.alloc(40, 7), Buffer.of(0)]);
  return { type: 7, raw: signed(keys, Buffer.of(7), body), hash };
}

/** Type 5: blinded key of type 11, times, and bytes that nobody can open. */
export function encryptedLeaseSet(random: RandomBytes, at: number): OddLeaseSet {
  const blinded = Buffer.concat([u16(11), random(32)]);
  const raw = Buffer.concat([blinded, header(at), u16(300), random(300), random(64)]);
  return { type: 5, raw, hash: destHash(sha256(blinded)) };
}

/** Type 3 of a Destination whose signatures are of type 10, which nobody uses. */
export function strangelySigned(keys: DestinationKeys, at: number): OddLeaseSet {
  const destination = Buffer.from(keys.destination.raw);
  // the key certificate: type 5, length, signature type, crypto type
  destination.writeUInt16BE(10, 387);
  const body = Buffer.concat([
    destination,
    header(at),
    u16(0),
    Buffer.of(1),
    u16(4),
    u16(32),
    Buffer.alloc(32, 9),
  ]);
  const raw = Buffer.concat([body, Buffer.of(1), Buffer.alloc(40, 1), Buffer.alloc(64, 2)]);
  return { type: 3, raw, hash: destHash(sha256(destination)) };
}

/** Type 3 signed by a transient key of type 10, which the Destination's own key is said to vouch for. */
export function strangelyDelegated(keys: DestinationKeys, at: number): OddLeaseSet {
  const { raw: destination, hash } = keys.destination;
  const offline = Buffer.concat([header(at).subarray(0, 4), u16(10), Buffer.alloc(160, 4)]);
  return { type: 3, raw: Buffer.concat([destination, header(at, 1), offline, Buffer.alloc(120, 2)]), hash };
}
