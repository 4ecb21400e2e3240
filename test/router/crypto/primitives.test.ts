import { aeadOpen, aeadSeal, chacha20, counterNonce } from '@allium/router/crypto/aead.ts';
import {
  aesCbcDecrypt,
  aesCbcEncrypt,
  aesEcbDecrypt,
  aesEcbEncrypt,
  createEcbEncryptor,
} from '@allium/router/crypto/aes.ts';
import { hkdf, hmacSha256, sha256 } from '@allium/router/crypto/hash.ts';
import { isLowOrder, x25519, x25519KeyPair, x25519Public } from '@allium/router/crypto/x25519.ts';
import { cbc } from '@noble/ciphers/aes.js';
import { chacha20poly1305, chacha20 as nobleChaCha20 } from '@noble/ciphers/chacha.js';
import { x25519 as nobleX25519 } from '@noble/curves/ed25519.js';
import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import test from 'ava';
import fc from 'fast-check';
import { recordedEntropy } from '../../support/entropy.ts';

const fromHex = (value: string): Buffer => Buffer.from(value, 'hex');
const hex = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString('hex');
const exactly = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const data = fc.uint8Array({ maxLength: 200 });

test('X25519 gives the result of RFC 7748, section 5.2', (t) => {
  const scalar = fromHex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4');
  const point = fromHex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c');
  t.is(hex(x25519(scalar, point)), 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552');
});

test('X25519 agrees with noble', (t) => {
  fc.assert(
    fc.property(exactly(32), exactly(32), (ours, theirs) => {
      t.deepEqual(Buffer.from(x25519Public(ours)), Buffer.from(nobleX25519.getPublicKey(ours)));
      const point = nobleX25519.getPublicKey(theirs);
      t.deepEqual(
        Buffer.from(x25519(ours, point) ?? []),
        Buffer.from(nobleX25519.getSharedSecret(ours, point)),
      );
    }),
    { numRuns: 25 },
  );
});

test('a low-order point gives no shared secret', (t) => {
  const pair = x25519KeyPair(recordedEntropy('low order'));
  const lowOrder = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ];
  for (const hex of lowOrder) {
    const point = Buffer.from(fromHex(hex));
    for (const top of [0, 0x80]) {
      point[31] = (point[31] ?? 0) | top;
      t.is(x25519(pair.privateKey, point), undefined, hex);
      t.true(isLowOrder(point), hex);
    }
  }
  for (let i = 0; i < 100; i++) t.false(isLowOrder(x25519KeyPair(recordedEntropy(`sound ${i}`)).publicKey));
  t.throws(() => x25519(pair.privateKey, new Uint8Array(31)), { instanceOf: RangeError });
});

test('ChaCha20 gives the ciphertext of RFC 8439, section 2.4.2', (t) => {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i);
  const plaintext = Buffer.from(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  t.is(
    hex(chacha20(key, fromHex('000000000000004a00000000'), 1, plaintext)),
    '6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b357' +
      '1639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736' +
      '5af90bbf74a35be6b40b8eedf2785e42874d',
  );
});

test('ChaCha20 and its AEAD agree with noble, both ways', (t) => {
  fc.assert(
    fc.property(exactly(32), fc.maxSafeNat(), data, data, (key, nonce, ad, plaintext) => {
      const sealed = aeadSeal(key, nonce, ad, plaintext);
      const wire = counterNonce(nonce);
      t.deepEqual(Buffer.from(sealed), Buffer.from(chacha20poly1305(key, wire, ad).encrypt(plaintext)));
      t.deepEqual(Buffer.from(aeadOpen(key, nonce, ad, sealed) ?? [0]), Buffer.from(plaintext));
      t.deepEqual(
        Buffer.from(chacha20(key, wire, nonce % 1000, plaintext)),
        Buffer.from(nobleChaCha20(key, wire, plaintext, undefined, nonce % 1000)),
      );
    }),
  );
});

test('an AEAD message opens only with its own key, nonce, data and tag', (t) => {
  const random = recordedEntropy('aead');
  const key = random(32);
  const ad = random(32);
  const sealed = Buffer.from(aeadSeal(key, 7, ad, random(50)));
  t.is(aeadOpen(key, 8, ad, sealed), undefined);
  t.is(aeadOpen(random(32), 7, ad, sealed), undefined);
  t.is(aeadOpen(key, 7, random(32), sealed), undefined);
  t.is(aeadOpen(key, 7, ad, sealed.subarray(1)), undefined);
  t.is(aeadOpen(key, 7, ad, sealed.subarray(0, 15)), undefined);
  for (let i = 0; i < sealed.length; i++) {
    const bent = Buffer.from(sealed);
    bent[i] = (bent[i] ?? 0) ^ 0x10;
    t.is(aeadOpen(key, 7, ad, bent), undefined);
  }
  t.truthy(aeadOpen(key, 7, ad, sealed));
});

test('the nonce is four zero bytes and a little-endian u64', (t) => {
  t.is(hex(counterNonce(0x0102_0304_0506)), '000000000605040302010000');
  t.throws(() => counterNonce(-1), { instanceOf: RangeError });
  t.throws(() => counterNonce(2 ** 53), { instanceOf: RangeError });
});

test('AES-256 gives the blocks of NIST SP 800-38A, F.1.5 and F.2.5', (t) => {
  const key = fromHex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4');
  const plaintext = fromHex('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51');
  const iv = fromHex('000102030405060708090a0b0c0d0e0f');
  t.is(
    hex(aesEcbEncrypt(key, plaintext)),
    'f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870',
  );
  t.is(
    hex(aesCbcEncrypt(key, iv, plaintext)),
    'f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d',
  );
});

test('AES agrees with noble, is its own inverse and goes on where it stopped', (t) => {
  fc.assert(
    fc.property(exactly(32), exactly(16), fc.integer({ min: 2, max: 8 }), exactly(128), (key, iv, n, all) => {
      const plaintext = all.subarray(0, n * 16);
      const sealed = aesCbcEncrypt(key, iv, plaintext);
      const noble = cbc(key, iv, { disablePadding: true }).encrypt(plaintext);
      t.deepEqual(Buffer.from(sealed), Buffer.from(noble));
      t.deepEqual(Buffer.from(aesCbcDecrypt(key, iv, sealed)), Buffer.from(plaintext));
      t.deepEqual(Buffer.from(aesEcbDecrypt(key, aesEcbEncrypt(key, plaintext))), Buffer.from(plaintext));
      const rest = aesCbcEncrypt(key, sealed.subarray(0, 16), plaintext.subarray(16));
      t.deepEqual(Buffer.from(rest), Buffer.from(sealed.subarray(16)));
    }),
  );
});

test('a kept ECB function gives the same block every time', (t) => {
  const encrypt = createEcbEncryptor(new Uint8Array(32));
  const block = new Uint8Array(16);
  t.is(hex(encrypt(block)), hex(encrypt(block)));
  t.is(hex(encrypt(block)), hex(aesEcbEncrypt(new Uint8Array(32), block)));
  t.throws(() => encrypt(new Uint8Array(15)), { instanceOf: RangeError });
});

test('HKDF gives the keys of RFC 5869, appendices A.1 and A.3', (t) => {
  const ikm = new Uint8Array(22).fill(0x0b);
  t.is(
    hex(hkdf(fromHex('000102030405060708090a0b0c'), ikm, '\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9', 42)),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  );
  t.is(
    hex(hkdf(new Uint8Array(0), ikm, '', 42)),
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  );
});

test('hashes agree with noble', (t) => {
  fc.assert(
    fc.property(data, data, fc.integer({ min: 1, max: 130 }), (a, b, length) => {
      t.deepEqual(Buffer.from(sha256(a, b)), Buffer.from(nobleSha256(Buffer.concat([a, b]))));
      t.deepEqual(Buffer.from(hmacSha256(a, b)), Buffer.from(nobleHmac(nobleSha256, a, b)));
      t.deepEqual(
        Buffer.from(hkdf(a, b, 'info', length)),
        Buffer.from(nobleHkdf(nobleSha256, b, a, Buffer.from('info'), length)),
      );
    }),
  );
});
