import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import test from 'ava';
import fc from 'fast-check';
import { x25519KeyPair } from '../../../services/router/crypto/x25519.ts';
import { openOneTime, sealOneTime } from '../../../services/router/i2np/one-time-garlic.ts';
import {
  openForRouter,
  ROUTER_GARLIC_OVERHEAD,
  sealForRouter,
} from '../../../services/router/i2np/router-garlic.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { flipped } from '../wire/vectors.ts';

const random = recordedEntropy('router-garlic');
const keys = { encryption: x25519KeyPair(random) };
const payload = Buffer.from('blocks of a message for a router');

/** ECIES Router Messages step by step, with other implementations of every primitive. */
function openByTheBook(data: Uint8Array): Uint8Array {
  const name = Buffer.alloc(32);
  name.write('Noise_N_25519_ChaChaPoly_SHA256', 'latin1');
  const ephemeral = data.subarray(0, 32);
  let h = sha256(name);
  h = sha256(Buffer.concat([h, keys.encryption.publicKey]));
  h = sha256(Buffer.concat([h, ephemeral]));
  const secret = x25519.getSharedSecret(
    Uint8Array.from(keys.encryption.privateKey),
    Uint8Array.from(ephemeral),
  );
  const key = hkdf(sha256, secret, Uint8Array.from(name), new Uint8Array(0), 64).subarray(32);
  return chacha20poly1305(key, new Uint8Array(12), h).decrypt(Uint8Array.from(data.subarray(32)));
}

function sealed(bytes: Uint8Array): Uint8Array {
  return sealForRouter(keys.encryption.publicKey, bytes, random) ?? new Uint8Array(0);
}

test('what we seal opens by the book', (t) => {
  const data = sealed(payload);
  t.is(data.length, payload.length + ROUTER_GARLIC_OVERHEAD);
  t.deepEqual(Buffer.from(openByTheBook(data)), payload);
});

test('any payload comes back, and every message has its own ephemeral key', (t) => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4000 }), (bytes) => {
      const data = sealed(bytes);
      seen.add(Buffer.from(data.subarray(0, 32)).toString('hex'));
      t.deepEqual(Buffer.from(openForRouter(keys, data) ?? []), Buffer.from(bytes));
    }),
    { numRuns: 30 },
  );
  t.true(seen.size >= 30);
});

test('no flipped bit, prefix or other key opens', (t) => {
  const data = sealed(payload);
  for (let at = 0; at < data.length; at++) t.is(openForRouter(keys, flipped(data, at)), undefined);
  for (let length = 0; length < data.length; length++) {
    t.is(openForRouter(keys, data.subarray(0, length)), undefined);
  }
  t.is(openForRouter({ encryption: x25519KeyPair(random) }, data), undefined);
});

test('a low-order ephemeral key opens nothing', (t) => {
  t.is(openForRouter(keys, Buffer.alloc(100)), undefined);
});

test('a router with a low-order key is not written to', (t) => {
  t.is(sealForRouter(new Uint8Array(32), payload, random), undefined);
});

test('a one-time answer is tag, ciphertext under nonce 0, with the tag as associated data', (t) => {
  const reply = { key: Uint8Array.from(random(32)), tag: Uint8Array.from(random(8)) };
  const data = sealOneTime(reply, payload);
  t.deepEqual(Buffer.from(data.subarray(0, 8)), Buffer.from(reply.tag));
  const book = chacha20poly1305(reply.key, new Uint8Array(12), reply.tag);
  t.deepEqual(Buffer.from(book.decrypt(Uint8Array.from(data.subarray(8)))), payload);
  t.deepEqual(Buffer.from(openOneTime(reply, data) ?? []), payload);
});

test('no changed one-time answer opens', (t) => {
  const reply = { key: random(32), tag: random(8) };
  const data = sealOneTime(reply, payload);
  for (let at = 0; at < data.length; at++) t.is(openOneTime(reply, flipped(data, at)), undefined);
  for (let length = 0; length < data.length; length++) {
    t.is(openOneTime(reply, data.subarray(0, length)), undefined);
  }
  t.is(openOneTime({ key: reply.key, tag: random(8) }, data), undefined);
});
