import { encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { x25519KeyPair } from '@allium/router/crypto/x25519.ts';
import {
  BUILD_RECORD_SIZE,
  type BuildRequest,
  buildReplyCodec,
  buildRequestCodec,
  type HopRole,
  openRequest,
  sealRequest,
} from '@allium/router/tunnel/build-record.ts';
import { routerHash } from '@allium/router/wire/hash.ts';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import test from 'ava';
import { codecHolds, onlyDecodeErrors } from '../../support/codec-macro.ts';
import { recordedEntropy } from '../../support/entropy.ts';

const random = recordedEntropy('build-record');
const hop = x25519KeyPair(random);
const hash = random(32);
const info = { hash: routerHash(hash), publicKey: hop.publicKey };

const requestOf = (role: HopRole): BuildRequest => ({
  receiveTunnelId: 0x01020304,
  nextTunnelId: 0x05060708,
  nextRouter: Buffer.alloc(32, 9),
  role,
  layerType: 0,
  requestMinutes: 0x01b00000,
  lifetime: 600,
  sendMessageId: 0x0a0b0c0d,
  options: {},
});

/** The KDF of ECIES Tunnel Creation, section KDF, on noble. */
function literalOpen(record: Uint8Array) {
  const hkdf = (salt: Uint8Array, ikm: Uint8Array, label: string) => {
    const out = expand(sha256, extract(sha256, ikm, salt), Buffer.from(label, 'latin1'), 64);
    return [out.subarray(0, 32), out.subarray(32)] as const;
  };
  const empty = new Uint8Array(0);
  const mix = (a: Uint8Array, b: Uint8Array) => sha256(Buffer.concat([a, b]));
  const name = Buffer.concat([Buffer.from('Noise_N_25519_ChaChaPoly_SHA256'), Buffer.of(0)]);
  let h = mix(name, empty);
  h = mix(h, hop.publicKey);
  h = mix(h, record.subarray(16, 48));
  const [ck0, k] = hkdf(name, x25519.getSharedSecret(hop.privateKey, record.subarray(16, 48)), '');
  const clear = chacha20poly1305(k, new Uint8Array(12), h).decrypt(record.subarray(48));
  h = mix(h, record.subarray(48));
  const [ck1, replyKey] = hkdf(ck0, empty, 'SMTunnelReplyKey');
  const [ck2, layerKey] = hkdf(ck1, empty, 'SMTunnelLayerKey');
  const [ck3, endpointIv] = hkdf(ck2, empty, 'TunnelLayerIVKey');
  const [tag, garlicKey] = hkdf(ck3, empty, 'RGarlicKeyAndTag');
  return { clear, h, replyKey, layerKey, ck2, endpointIv, garlicKey, tag: tag.subarray(0, 8) };
}

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex');

for (const role of ['gateway', 'participant', 'endpoint'] as const) {
  test(`creator, hop and a literal reading of the specification agree on a ${role}'s record`, (t) => {
    const sealed = sealRequest(requestOf(role), info, random);
    if (!sealed) return t.fail();
    t.is(sealed.record.length, BUILD_RECORD_SIZE);
    t.is(hex(sealed.record.subarray(0, 16)), hex(hash.subarray(0, 16)));
    const opened = openRequest(sealed.record, hop);
    const literal = literalOpen(sealed.record);
    t.deepEqual(opened.request, { ...requestOf(role), nextRouter: opened.request.nextRouter });
    t.is(hex(opened.request.nextRouter), hex(Buffer.alloc(32, 9)));
    t.is(hex(literal.clear), hex(encode(buildRequestCodec, requestOf(role))));
    for (const keys of [sealed.keys, opened.keys]) {
      t.is(hex(keys.hash), hex(literal.h));
      t.is(hex(keys.replyKey), hex(literal.replyKey));
      t.is(hex(keys.layerKey), hex(literal.layerKey));
      t.is(hex(keys.ivKey), hex(role === 'endpoint' ? literal.endpointIv : literal.ck2));
      t.is(hex(keys.garlic?.key), role === 'endpoint' ? hex(literal.garlicKey) : '');
      t.is(hex(keys.garlic?.tag), role === 'endpoint' ? hex(literal.tag) : '');
    }
  });
}

test('the request record has the layout of the specification', (t) => {
  const bytes = Buffer.concat([
    Buffer.from('0102030405060708', 'hex'),
    Buffer.alloc(32, 9),
    Buffer.from('80', 'hex'),
    Buffer.from('0000', 'hex'),
    Buffer.from('00', 'hex'),
    Buffer.from('01b00000', 'hex'),
    Buffer.from('00000258', 'hex'),
    Buffer.from('0a0b0c0d', 'hex'),
    Buffer.from('0000', 'hex'),
    Buffer.alloc(96),
  ]);
  codecHolds(t, buildRequestCodec, { value: requestOf('gateway'), bytes });
});

test('the reply record has options first and the code last', (t) => {
  const bytes = Buffer.concat([
    Buffer.from('0007', 'hex'),
    Buffer.from('01623d03', 'hex'),
    Buffer.from('3132333b', 'hex'),
    Buffer.alloc(191),
    Buffer.of(30),
  ]);
  bytes.writeUInt16BE(8, 0);
  codecHolds(t, buildReplyCodec, { value: { code: 30, options: { available: 123 } }, bytes });
});

test('bandwidth options survive, and nonsense in their place counts as none', (t) => {
  const options = { minimum: 5, requested: 40, limit: 100_000, available: 7 };
  const value = { ...requestOf('gateway'), options };
  const bytes = Buffer.from(encode(buildRequestCodec, value));
  const read = (change: (copy: Buffer) => void) => {
    const copy = Buffer.from(bytes);
    change(copy);
    return buildReplyCodecOptions(copy);
  };
  t.deepEqual(
    read(() => {}),
    options,
  );
  t.deepEqual(
    read((copy) => copy.writeUInt16BE(97, 56)),
    {},
  );
  t.deepEqual(
    read((copy) => copy.fill(0xff, 58)),
    {},
  );
  t.deepEqual(
    read((copy) => copy.write('x', 59)),
    { minimum: 5, requested: 40, limit: 100_000 },
  );
  t.deepEqual(
    read((copy) => copy.write('-', 62)),
    { minimum: 5, requested: 40, limit: 100_000 },
  );
});

function buildReplyCodecOptions(request: Buffer) {
  const { record } = reseal(request);
  return openRequest(record, hop).request.options;
}

/** A record around arbitrary clear bytes, as a foreign creator may send. */
function reseal(clear: Uint8Array): { record: Buffer } {
  const ephemeral = x25519KeyPair(random);
  const name = Buffer.concat([Buffer.from('Noise_N_25519_ChaChaPoly_SHA256'), Buffer.of(0)]);
  const mix = (a: Uint8Array, b: Uint8Array) => sha256(Buffer.concat([a, b]));
  const h = mix(mix(mix(name, new Uint8Array(0)), hop.publicKey), ephemeral.publicKey);
  const secret = x25519.getSharedSecret(ephemeral.privateKey, hop.publicKey);
  const k = expand(sha256, extract(sha256, secret, name), new Uint8Array(0), 64).subarray(32);
  const sealed = chacha20poly1305(k, new Uint8Array(12), h).encrypt(clear);
  return { record: Buffer.concat([hash.subarray(0, 16), ephemeral.publicKey, sealed]) };
}

test('records that no honest creator makes are refused by code', (t) => {
  const clear = Buffer.from(encode(buildRequestCodec, requestOf('participant')));
  const code = (change: (copy: Buffer) => void) => {
    const copy = Buffer.from(clear);
    change(copy);
    return t.throws(() => openRequest(reseal(copy).record, hop), { instanceOf: DecodeError })?.code;
  };
  t.is(
    code((copy) => copy.fill(0, 0, 4)),
    'value',
  );
  t.is(
    code((copy) => copy.fill(0, 4, 8)),
    'value',
  );
  t.is(
    code((copy) => copy.writeUInt8(0xc0, 40)),
    'value',
  );
  t.is(
    code((copy) => copy.writeUInt8(1, 43)),
    'unsupported',
  );
});

test('a record for other keys, a flipped bit and a low-order point do not open', (t) => {
  const sealed = sealRequest(requestOf('endpoint'), info, random);
  if (!sealed) return t.fail();
  t.throws(() => openRequest(sealed.record, x25519KeyPair(random)), { instanceOf: DecodeError });
  const zero = Buffer.from(sealed.record);
  zero.fill(0, 16, 48);
  t.is(t.throws(() => openRequest(zero, hop), { instanceOf: DecodeError })?.code, 'value');
  for (const at of [16, 47, 48, 217]) {
    const copy = Buffer.from(sealed.record);
    copy[at] = (copy[at] ?? 0) ^ 4;
    t.is(t.throws(() => openRequest(copy, hop), { instanceOf: DecodeError })?.code, 'authentication');
  }
  onlyDecodeErrors(t, (bytes) => openRequest(bytes, hop), sealed.record);
  t.is(sealRequest(requestOf('endpoint'), { ...info, publicKey: Buffer.alloc(32) }, random), undefined);
});
