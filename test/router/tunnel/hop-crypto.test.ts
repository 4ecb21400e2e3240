import { aesCbcDecrypt, aesCbcEncrypt, aesEcbDecrypt, aesEcbEncrypt } from '@allium/router/crypto/aes.ts';
import {
  createDecryptLayer,
  createEncryptLayer,
  TUNNEL_MESSAGE_SIZE,
} from '@allium/router/tunnel/hop-crypto.ts';
import { cbc, ecb } from '@noble/ciphers/aes.js';
import test from 'ava';
import fc from 'fast-check';
import { recordedEntropy } from '../../support/entropy.ts';

const random = recordedEntropy('hop-crypto');
const keys = () => ({ layerKey: random(32), ivKey: random(32) });

/** The specification read literally, on noble's AES. */
function literalEncrypt(hop: { layerKey: Uint8Array; ivKey: Uint8Array }, message: Uint8Array): Buffer {
  const plain = { disablePadding: true };
  const iv = ecb(hop.ivKey, plain).encrypt(message.subarray(4, 20));
  const data = cbc(hop.layerKey, iv, plain).encrypt(message.subarray(20));
  return Buffer.concat([message.subarray(0, 4), ecb(hop.ivKey, plain).encrypt(iv), data]);
}

test('a layer is what the specification says, message after message on the same hop', (t) => {
  const hop = keys();
  const layer = createEncryptLayer(hop);
  for (let i = 0; i < 20; i++) {
    const message = Buffer.from(random(TUNNEL_MESSAGE_SIZE));
    const expected = literalEncrypt(hop, message);
    layer(message);
    t.deepEqual(message, expected);
  }
});

test('the decrypting layer undoes it, in any order of messages', (t) => {
  const hop = keys();
  const encrypt = createEncryptLayer(hop);
  const decrypt = createDecryptLayer(hop);
  const clear = Array.from({ length: 10 }, () => Buffer.from(random(TUNNEL_MESSAGE_SIZE)));
  const sealed = clear.map((message) => {
    const copy = Buffer.from(message);
    encrypt(copy);
    return copy;
  });
  for (const at of [3, 1, 9, 0, 2, 8, 7, 5, 6, 4]) {
    const message = Buffer.from(sealed[at] ?? []);
    decrypt(message);
    t.deepEqual(message, clear[at]);
  }
});

test('it agrees with one-shot AES of node:crypto both ways', (t) => {
  const hop = keys();
  const decrypt = createDecryptLayer(hop);
  for (let i = 0; i < 5; i++) {
    const message = Buffer.from(random(TUNNEL_MESSAGE_SIZE));
    const iv = aesEcbDecrypt(hop.ivKey, message.subarray(4, 20));
    const data = aesCbcDecrypt(hop.layerKey, iv, message.subarray(20));
    const expected = Buffer.concat([message.subarray(0, 4), aesEcbDecrypt(hop.ivKey, iv), data]);
    decrypt(message);
    t.deepEqual(message, expected);
    t.deepEqual(
      Buffer.from(aesCbcEncrypt(hop.layerKey, iv, data)),
      Buffer.from(aesCbcEncrypt(hop.layerKey, iv, message.subarray(20))),
    );
    t.deepEqual(Buffer.from(aesEcbEncrypt(hop.ivKey, message.subarray(4, 20))), Buffer.from(iv));
  }
});

test('layers put on in advance come off hop by hop, whatever the number of hops', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), (count) => {
      const hops = Array.from({ length: count }, keys);
      const clear = Buffer.from(random(TUNNEL_MESSAGE_SIZE));
      const message = Buffer.from(clear);
      for (const hop of hops.toReversed()) createDecryptLayer(hop)(message);
      for (const hop of hops) createEncryptLayer(hop)(message);
      return message.equals(clear);
    }),
    { numRuns: 20 },
  );
  t.pass();
});

test('one flipped bit changes the clear message', (t) => {
  const hop = keys();
  const clear = Buffer.from(random(TUNNEL_MESSAGE_SIZE));
  const sealed = literalEncrypt(hop, clear);
  for (const bit of [4 * 8, 19 * 8 + 7, 20 * 8, 600 * 8, 1027 * 8 + 7]) {
    const message = Buffer.from(sealed);
    message[bit >> 3] = (message[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    createDecryptLayer(hop)(message);
    t.notDeepEqual(message.subarray(4), clear.subarray(4));
  }
});

test('keys of another length are our fault', (t) => {
  t.throws(() => createEncryptLayer({ layerKey: random(16), ivKey: random(32) }), { instanceOf: RangeError });
  t.throws(() => createDecryptLayer({ layerKey: random(32), ivKey: random(16) }), { instanceOf: RangeError });
});
