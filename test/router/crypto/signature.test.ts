import { generateKeyPairSync, hash, sign } from 'node:crypto';
import { ed25519Public, ed25519Sign, ed25519Verify } from '@allium/router/crypto/ed25519.ts';
import { SIGNATURE_TYPES, supportsSignature, verifySignature } from '@allium/router/crypto/signature.ts';
import { ed25519 as noble } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { recordedEntropy } from '../../support/entropy.ts';

const MESSAGE = Buffer.from('a message');
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

function holds(t: ExecutionContext, type: number, publicKey: Uint8Array, signature: Uint8Array): void {
  const facts = SIGNATURE_TYPES.get(type);
  t.is(publicKey.length, facts?.publicKeyLength ?? 0);
  t.is(signature.length, facts?.signatureLength ?? 0);
  t.true(verifySignature(type, publicKey, MESSAGE, signature));
  t.false(verifySignature(type, publicKey, Buffer.from('another'), signature));
  t.false(verifySignature(type, publicKey, MESSAGE, signature.subarray(1)));
  t.false(verifySignature(type, publicKey.subarray(1), MESSAGE, signature));
  const bent = Buffer.from(signature);
  bent[3] = (bent[3] ?? 0) ^ 1;
  t.false(verifySignature(type, publicKey, MESSAGE, bent));
  t.false(verifySignature(type, new Uint8Array(publicKey.length), MESSAGE, signature));
}

test('Ed25519 gives RFC 8032, test 1', (t) => {
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
  const publicKey = ed25519Public(seed);
  t.is(hex(publicKey), 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  t.is(
    hex(ed25519Sign(seed, new Uint8Array(0))),
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b' +
      'd25bf5f0595bbe24655141438e7a100b',
  );
});

test('Ed25519 agrees with noble and fits type 7', (t) => {
  const exactly32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(exactly32, fc.uint8Array({ maxLength: 100 }), (seed, message) => {
      const signature = ed25519Sign(seed, message);
      t.deepEqual(Buffer.from(signature), Buffer.from(noble.sign(message, seed)));
      t.deepEqual(Buffer.from(ed25519Public(seed)), Buffer.from(noble.getPublicKey(seed)));
      t.true(ed25519Verify(ed25519Public(seed), message, signature));
    }),
    { numRuns: 20 },
  );
  const seed = recordedEntropy('type 7')(32);
  holds(t, 7, ed25519Public(seed), ed25519Sign(seed, MESSAGE));
});

/** Red25519 as its spec has it: a scalar instead of a seed, the nonce from 80 random bytes. */
test('a Red25519 signature made by the specification with noble fits type 11', (t) => {
  const random = recordedEntropy('type 11');
  const order = noble.Point.Fn.ORDER;
  const scalar = modular(random(64), order);
  const publicKey = noble.Point.BASE.multiply(scalar).toBytes();
  const r = modular(sha512(Buffer.concat([random(80), publicKey, MESSAGE])), order);
  const commitment = noble.Point.BASE.multiply(r).toBytes();
  const challenge = modular(sha512(Buffer.concat([commitment, publicKey, MESSAGE])), order);
  const s = noble.Point.Fn.toBytes((r + challenge * scalar) % order);
  holds(t, 11, publicKey, Buffer.concat([commitment, s]));
});

const CURVES = [
  [1, 'P-256', 'sha256', 32],
  [2, 'P-384', 'sha384', 48],
  [3, 'P-521', 'sha512', 66],
] as const;
for (const [type, curve, digest, half] of CURVES) {
  test(`ECDSA on ${curve} fits type ${type}`, (t) => {
    const keys = generateKeyPairSync('ec', { namedCurve: curve });
    const { x, y } = keys.publicKey.export({ format: 'jwk' });
    const publicKey = Buffer.concat([coordinate(x, half), coordinate(y, half)]);
    holds(t, type, publicKey, sign(digest, MESSAGE, { key: keys.privateKey, dsaEncoding: 'ieee-p1363' }));
  });
}

const MODULI = [
  [4, 2048, 'sha256'],
  [5, 3072, 'sha384'],
] as const;
for (const [type, bits, digest] of MODULI) {
  test(`RSA with ${bits} bits fits type ${type}`, (t) => {
    const keys = generateKeyPairSync('rsa', { modulusLength: bits });
    const modulus = Buffer.from(keys.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url');
    holds(t, type, modulus, sign(digest, MESSAGE, keys.privateKey));
  });
}

/** No vector at hand: the group is the specification's, the arithmetic of FIPS 186 is written out below. */
test('DSA in the group of Low-level Cryptography fits type 0', (t) => {
  const { publicKey, signature } = dsaSign(recordedEntropy('dsa'), MESSAGE);
  holds(t, 0, publicKey, signature);
});

test('types that nobody uses are refused, not crashed on', (t) => {
  for (const type of [8, 9, 10, 12, 65535]) {
    t.false(supportsSignature(type));
    t.false(verifySignature(type, new Uint8Array(32), MESSAGE, new Uint8Array(64)));
  }
});

test('random keys and signatures never throw', (t) => {
  const random = recordedEntropy('junk');
  for (const [type, facts] of SIGNATURE_TYPES) {
    for (let i = 0; i < 10; i++) {
      const key = random(facts.publicKeyLength);
      t.false(verifySignature(type, key, MESSAGE, random(facts.signatureLength)));
      t.false(
        verifySignature(type, new Uint8Array(key.length).fill(255), MESSAGE, random(facts.signatureLength)),
      );
    }
  }
});

const DSA_P =
  '9c05b2aa960d9b97b8931963c9cc9e8c3026e9b8ed92fad0a69cc886d5bf8015fcadae31a0ad18fab3f01b00a358de23' +
  '7655c4964afaa2b337e96ad316b9fb1cc564b5aec5b69a9ff6c3e4548707fef8503d91dd8602e867e6d35d2235c1869c' +
  'e2479c3b9d5401de04e0727fb33d6511285d4cf29538d9e3b6051f5b22cc1c93';
const DSA_Q = 'a5dfc28fef4ca1e286744cd8eed9d29d684046b7';
const DSA_G =
  '0c1f4d27d40093b429e962d7223824e0bbc47e7c832a39236fc683af84889581075ff9082ed32353d4374d7301cda1d2' +
  '3c431f4698599dda02451824ff369752593647cc3ddc197de985e43d136cdcfc6bd5409cd2f450821142a5e6f8eb1c3a' +
  'b5d0484b8129fcf17bce4f7f33321c3cb3dbb14a905e7b2b3e93be4708cbcc82';

function coordinate(text: string | undefined, length: number): Buffer {
  const bytes = Buffer.from(text ?? '', 'base64url');
  return Buffer.concat([Buffer.alloc(length - bytes.length), bytes]);
}

function modular(littleEndian: Uint8Array, order: bigint): bigint {
  return BigInt(`0x${Buffer.from(littleEndian).reverse().toString('hex')}`) % order;
}

function dsaSign(
  random: (n: number) => Uint8Array,
  message: Uint8Array,
): { publicKey: Uint8Array; signature: Uint8Array } {
  const p = BigInt(`0x${DSA_P}`);
  const q = BigInt(`0x${DSA_Q}`);
  const g = BigInt(`0x${DSA_G}`);
  const x = BigInt(`0x${hex(random(20))}`) % q;
  const k = BigInt(`0x${hex(random(20))}`) % q;
  const digest = BigInt(`0x${hash('sha1', message, 'hex')}`);
  const r = power(g, k, p) % q;
  const s = (power(k, q - 2n, q) * (digest + x * r)) % q;
  const publicKey = Buffer.from(power(g, x, p).toString(16).padStart(256, '0'), 'hex');
  const pair = r.toString(16).padStart(40, '0') + s.toString(16).padStart(40, '0');
  return { publicKey, signature: Buffer.from(pair, 'hex') };
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
