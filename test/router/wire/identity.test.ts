import { generateKeyPairSync } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { decode, encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { toBase32 } from '@allium/common/bytes/text.ts';
import test from 'ava';
import { ed25519Public } from '../../../services/router/crypto/ed25519.ts';
import {
  createDestinationKeys,
  destinationCodec,
  destinationKeysCodec,
  destinationOf,
} from '../../../services/router/wire/destination.ts';
import { hashBytes } from '../../../services/router/wire/hash.ts';
import { routerIdentityCodec, routerIdentityOf } from '../../../services/router/wire/router-identity.ts';
import { createRouterKeys } from '../../../services/router/wire/router-keys.ts';
import { codecHolds } from '../../support/codec-macro.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { bytesOf, destinationVectors, routerInfoVectors } from './vectors.ts';

for (const vector of destinationVectors) {
  test(`i2pd's Destination "${vector.name}" is read with its hash and signature type`, (t) => {
    const bytes = bytesOf(vector.hex);
    const destination = destinationOf(bytes);
    t.is(destination.hash as string, vector.hash);
    t.is(toBase32(hashBytes(destination.hash)), vector.base32);
    t.is(destination.signatureType, vector.signatureType);
    t.is(destination.cryptoType, 0);
    codecHolds(t, destinationCodec, { value: destination, bytes });
  });
}

test("the signing key of i2pd's Destination belongs to its seed", (t) => {
  const vector = destinationVectors.find(({ signingSeed }) => signingSeed !== undefined);
  const destination = destinationOf(bytesOf(vector?.hex ?? ''));
  t.deepEqual(
    Buffer.from(destination.signingKey),
    Buffer.from(ed25519Public(bytesOf(vector?.signingSeed ?? ''))),
  );
});

for (const vector of routerInfoVectors) {
  test(`i2pd's RouterIdentity "${vector.name}" is read with its hash and keys`, (t) => {
    const bytes = bytesOf(vector.hex).subarray(0, 391);
    const identity = routerIdentityOf(bytes);
    t.is(identity.hash as string, vector.hash);
    t.is(identity.cryptoType, 4);
    t.is(identity.publicKey.length, 32);
    t.deepEqual(Buffer.from(identity.signingKey), Buffer.from(ed25519Public(bytesOf(vector.signingSeed))));
    codecHolds(t, routerIdentityCodec, { value: identity, bytes });
  });
}

test('a Destination of ours has crypto type 0 and compresses', (t) => {
  const { destination } = createDestinationKeys(recordedEntropy('dest'));
  t.is(destination.cryptoType, 0);
  t.is(destination.signatureType, 7);
  t.is(destination.raw.length, 391);
  t.true(deflateRawSync(destination.raw).length < 120);
});

test('a RouterIdentity of ours has X25519 and Ed25519 keys and compresses', (t) => {
  const { identity, encryption } = createRouterKeys(recordedEntropy('router'));
  t.is(identity.cryptoType, 4);
  t.is(identity.signatureType, 7);
  t.deepEqual(Buffer.from(identity.publicKey), Buffer.from(encryption.publicKey));
  t.true(deflateRawSync(identity.raw).length < 150);
});

test('two identities from one source of entropy differ in hash and padding', (t) => {
  const random = recordedEntropy('two');
  const a = createDestinationKeys(random).destination;
  const b = createDestinationKeys(random).destination;
  t.not(a.hash, b.hash);
  t.notDeepEqual(Buffer.from(a.raw.subarray(0, 32)), Buffer.from(b.raw.subarray(0, 32)));
});

test('a P-521 key is put together from its field and the certificate', (t) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const key = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  const certificate = Buffer.concat([bytesOf('05000800030000'), key.subarray(128)]);
  const raw = Buffer.concat([Buffer.alloc(256, 7), key.subarray(0, 128), certificate]);
  t.deepEqual(Buffer.from(destinationOf(raw).signingKey), key);
});

test('what is read owns its memory', (t) => {
  const input = Buffer.from(bytesOf(destinationVectors[0]?.hex ?? ''));
  const destination = decode(destinationCodec, input);
  input.fill(0);
  t.is(destination.hash as string, destinationVectors[0]?.hash ?? '');
  t.is(destinationOf(destination.raw).hash, destination.hash);
  t.notDeepEqual(Buffer.from(destination.signingKey), Buffer.alloc(32));
});

test('a router with a RedDSA key is refused, a Destination is not', (t) => {
  const raw = Buffer.from(bytesOf(destinationVectors[0]?.hex ?? ''));
  raw.writeUInt16BE(11, 387);
  t.is(destinationOf(raw).signatureType, 11);
  const error = t.throws(() => routerIdentityOf(raw), { instanceOf: DecodeError });
  t.is(error.code, 'unsupported');
});

test('keys come back from disk', (t) => {
  const dest = createDestinationKeys(recordedEntropy('disk'));
  codecHolds(t, destinationKeysCodec, { value: dest, bytes: encode(destinationKeysCodec, dest) });
});

test('private keys of another identity are noticed', (t) => {
  const dest = encode(destinationKeysCodec, createDestinationKeys(recordedEntropy('a')));
  dest[391] = (dest[391] ?? 0) ^ 1;
  t.is(
    t.throws(() => decode(destinationKeysCodec, dest), { instanceOf: DecodeError }).code,
    'authentication',
  );
});
