import type { RandomBytes } from '@allium/common/core/random.ts';
import { _map_to_curve_elligator2_curve25519, ed25519 } from '@noble/curves/ed25519.js';
import { expectLength } from './length.ts';
import { type KeyPair, x25519KeyPair } from './x25519.ts';

/*
 * Elligator2 on Curve25519 with the non-square 2 (ECIES Ratchet, "Elligator2"): public keys look like random bytes.
 * noble maps field to point; the inverse is here, on noble's field.
 */

const Fp = ed25519.Point.Fp;
const A = 486662n;
const HALF = (Fp.ORDER - 1n) / 2n;

/** Keys tried before giving up; half of all keys have a representative, so 128 misses in a row mean broken entropy. */
const MAX_TRIES = 128;

/**
 * A representative of the public key, 32 bytes, or undefined for the half of all keys that have none.
 * One random byte picks which of the two representatives is taken and fills the two unused top bits.
 */
export function elligatorEncode(publicKey: Uint8Array, random: RandomBytes): Uint8Array | undefined {
  expectLength(publicKey, 32, 'X25519 public key');
  const choice = random(1)[0] ?? 0;
  const representative = representativeOf(publicKey, (choice & 1) === 1);
  if (representative) representative[31] = (representative[31] ?? 0) | (choice & 0xc0);
  return representative;
}

/** The public key that a representative stands for. Every 32 bytes give one; the two top bits are ignored. */
export function elligatorDecode(representative: Uint8Array): Uint8Array {
  expectLength(representative, 32, 'Elligator2 representative');
  const { xMn, xMd } = _map_to_curve_elligator2_curve25519(Fp.create(toNumber(representative, 0x3f)));
  return Fp.toBytes(Fp.mul(xMn, Fp.inv(xMd)));
}

/** A key pair that has a representative. Takes two tries on average, about a millisecond each: make them ahead of need. */
export function elligatorKeyPair(random: RandomBytes): { keyPair: KeyPair; representative: Uint8Array } {
  for (let i = 0; i < MAX_TRIES; i++) {
    const keyPair = x25519KeyPair(random);
    const representative = elligatorEncode(keyPair.publicKey, random);
    if (representative) return { keyPair, representative };
  }
  throw new RangeError('no key with an Elligator2 representative: the entropy source is broken');
}

/**
 * sqrt(-x / 2(x+A)), or with `high` sqrt(-(x+A) / 2x): the two solutions belong to the two values of the
 * y coordinate, which the X25519 key does not carry. Top bits clear.
 */
export function representativeOf(publicKey: Uint8Array, high: boolean): Uint8Array | undefined {
  const x = Fp.create(toNumber(publicKey, 0xff));
  const sum = Fp.add(x, A);
  if (Fp.is0(x) || Fp.is0(sum)) return undefined;
  const [numerator, denominator] = high ? [sum, x] : [x, sum];
  const square = Fp.div(Fp.neg(numerator), Fp.mul(2n, denominator));
  if (!isSquare(square)) return undefined;
  const root = Fp.sqrt(square);
  return Fp.toBytes(root > HALF ? Fp.neg(root) : root);
}

function isSquare(value: bigint): boolean {
  return Fp.pow(value, HALF) === 1n;
}

/** Little-endian, with `topMask` applied to the last byte. */
function toNumber(bytes: Uint8Array, topMask: number): bigint {
  const reversed = Buffer.from(bytes).reverse();
  reversed[0] = (reversed[0] ?? 0) & topMask;
  return BigInt(`0x${reversed.toString('hex')}`);
}
