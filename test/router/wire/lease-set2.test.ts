import { generateKeyPairSync, sign } from 'node:crypto';
import { encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import test from 'ava';
import fc from 'fast-check';
import { ed25519Public, ed25519Sign } from '../../../services/router/crypto/ed25519.ts';
import { createDestinationKeys, destinationOf } from '../../../services/router/wire/destination.ts';
import { hashBytes, routerHash } from '../../../services/router/wire/hash.ts';
import { signerOf } from '../../../services/router/wire/identity.ts';
import { type Lease, leaseCodec } from '../../../services/router/wire/lease.ts';
import {
  createLeaseSet2,
  decodeLeaseSet2,
  LEASE_SET_MAX_SIZE,
} from '../../../services/router/wire/lease-set2.ts';
import { mappingCodec } from '../../../services/router/wire/mapping.ts';
import { codecHolds, onlyDecodeErrors } from '../../support/codec-macro.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { bytesOf, destinationVectors, flipped, leaseSetVectors, named } from './vectors.ts';

const keys = createDestinationKeys(recordedEntropy('lease-set'));
const signer = signerOf(keys);
const encryptionKeys = [{ type: 4, key: keys.encryption.publicKey }];
const NOW = 1_800_000_000_000;
const lease: Lease = { gateway: routerHash(Buffer.alloc(32, 5)), tunnelId: 77, expires: NOW + 600_000 };

for (const vector of leaseSetVectors) {
  test(`i2pd's LeaseSet2 "${vector.name}" verifies`, (t) => {
    const leaseSet = decodeLeaseSet2(bytesOf(vector.hex));
    t.is(leaseSet.hash as string, vector.hash);
    t.is(leaseSet.published, vector.published);
    t.is(leaseSet.expires, vector.expires);
    t.false(leaseSet.unpublished);
    t.is(leaseSet.offline, undefined);
    t.deepEqual(
      leaseSet.encryptionKeys.map(({ type, key }) => [type, key.length]),
      [
        [6, 32],
        [4, 32],
      ],
    );
    t.deepEqual(
      leaseSet.leases.map(({ gateway }) => gateway as string),
      [vector.gateway],
    );
  });

  test(`no flipped bit of "${vector.name}" verifies`, (t) => {
    const bytes = bytesOf(vector.hex);
    for (let at = 0; at < bytes.length; at++) {
      t.throws(() => decodeLeaseSet2(flipped(bytes, at)), { instanceOf: DecodeError });
    }
    for (let length = 0; length < bytes.length; length++) {
      t.throws(() => decodeLeaseSet2(bytes.subarray(0, length)), { instanceOf: DecodeError });
    }
    onlyDecodeErrors(t, decodeLeaseSet2, bytes);
  });
}

test("with i2pd's key we sign the same bytes as i2pd", (t) => {
  const vector = named(leaseSetVectors, 'flood');
  const theirs = decodeLeaseSet2(bytesOf(vector.hex));
  const signingSeed = bytesOf(named(destinationVectors, 'flood').signingSeed ?? '');
  const ours = createLeaseSet2(signerOf({ ...keys, destination: theirs.destination, signingSeed }), theirs);
  t.is(Buffer.from(ours.raw).toString('hex'), vector.hex);
});

test('the signature covers the type byte that is not in the body', (t) => {
  const { raw, destination } = createLeaseSet2(signer, { published: NOW, leases: [lease], encryptionKeys });
  const body = raw.subarray(0, raw.length - 64);
  const signature = Buffer.from(raw.subarray(raw.length - 64));
  t.deepEqual(Buffer.from(ed25519Sign(keys.signingSeed, Buffer.concat([Buffer.of(3), body]))), signature);
  const bare = Buffer.concat([body, ed25519Sign(keys.signingSeed, body)]);
  t.is(t.throws(() => decodeLeaseSet2(bare), { instanceOf: DecodeError }).code, 'authentication');
  t.is(destination.hash, keys.destination.hash);
});

test('what is created is read back, with 1 to 16 leases', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.boolean(), (count, unpublished) => {
      const leases = Array.from({ length: count }, (_, i) => ({ ...lease, tunnelId: i + 1 }));
      const options = new Map([['_smtp._tcp', '0 86400 25']]);
      const leaseSet = createLeaseSet2(signer, {
        published: NOW + 999,
        leases,
        unpublished,
        options,
        encryptionKeys,
      });
      t.deepEqual(leaseSet.leases, leases);
      t.is(leaseSet.published, NOW, 'whole seconds');
      t.is(leaseSet.expires, NOW + 600_000);
      t.is(leaseSet.unpublished, unpublished);
      t.deepEqual(new Map(leaseSet.options), options);
      t.deepEqual(Buffer.from(leaseSet.encryptionKeys[0]?.key ?? []), Buffer.from(keys.encryption.publicKey));
    }),
    { numRuns: 20 },
  );
});

test('one that a transient key signs carries what vouches for that key', (t) => {
  const seed = recordedEntropy('transient')(32);
  const offlineSection = transient(seed, (message) => ed25519Sign(keys.signingSeed, message));
  const offline = { ...signer, offlineSection, sign: (message: Uint8Array) => ed25519Sign(seed, message) };
  const leaseSet = createLeaseSet2(offline, { published: NOW, leases: [lease], encryptionKeys });
  t.is(leaseSet.hash, keys.destination.hash);
  t.deepEqual(Buffer.from(leaseSet.offline?.signingKey ?? []), Buffer.from(ed25519Public(seed)));
  t.throws(
    () =>
      createLeaseSet2({ ...offline, sign: signer.sign }, { published: NOW, leases: [lease], encryptionKeys }),
    { instanceOf: DecodeError },
    'the key that was vouched for has to sign',
  );
});

test('no or too many leases and impossible times are a programming error', (t) => {
  const many = Array<Lease>(17).fill(lease);
  for (const content of [
    { published: NOW, leases: [] },
    { published: NOW, leases: many },
    { published: NOW, leases: [lease], expires: NOW - 1000 },
    { published: NOW, leases: [lease], expires: NOW + 65_536_000 },
  ]) {
    t.throws(() => createLeaseSet2(signer, { ...content, encryptionKeys }), { instanceOf: RangeError });
  }
});

test('a LeaseSet2 owns its memory and copies it once', (t) => {
  const vector = named(leaseSetVectors, 'flood');
  const input = bytesOf(vector.hex);
  const leaseSet = decodeLeaseSet2(input);
  input.fill(0);
  t.is(Buffer.from(leaseSet.raw).toString('hex'), vector.hex);
  t.is(leaseSet.destination.raw.buffer, leaseSet.raw.buffer);
  t.is(leaseSet.encryptionKeys[0]?.key.buffer, leaseSet.raw.buffer);
});

/** A LeaseSet2 from its parts, signed with `seed` as the specification says. */
function assemble(parts: readonly Uint8Array[], seed: Uint8Array): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([body, ed25519Sign(seed, Buffer.concat([Buffer.of(3), body]))]);
}

function times(flags: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeUInt32BE(NOW / 1000, 0);
  out.writeUInt16BE(600, 4);
  out.writeUInt16BE(flags, 6);
  return out;
}

const X25519_KEY = Buffer.concat([bytesOf('00040020'), Buffer.alloc(32, 9)]);
const LEASE = Buffer.concat([hashBytes(lease.gateway), bytesOf('0000004d'), Buffer.alloc(4, 0x6b)]);
const LISTS = Buffer.concat([bytesOf('000001'), X25519_KEY, Buffer.of(1), LEASE]);

function transient(seed: Uint8Array, signer: (message: Uint8Array) => Uint8Array): Buffer {
  const signed = Buffer.concat([bytesOf('6b4a00000007'), ed25519Public(seed)]);
  return Buffer.concat([signed, signer(signed)]);
}

test('an offline signature is verified and its key signs the LeaseSet2', (t) => {
  const seed = Buffer.alloc(32, 3);
  const section = transient(seed, (message) => ed25519Sign(keys.signingSeed, message));
  const leaseSet = decodeLeaseSet2(assemble([keys.destination.raw, times(1), section, LISTS], seed));
  t.is(leaseSet.offline?.expires, 0x6b4a0000 * 1000);
  t.deepEqual(Buffer.from(leaseSet.offline?.signingKey ?? []), Buffer.from(ed25519Public(seed)));
  const foreign = transient(seed, (message) => ed25519Sign(seed, message));
  const forged = assemble([keys.destination.raw, times(1), foreign, LISTS], seed);
  t.is(t.throws(() => decodeLeaseSet2(forged), { instanceOf: DecodeError }).code, 'authentication');
  const byOwner = assemble([keys.destination.raw, times(1), section, LISTS], keys.signingSeed);
  t.is(t.throws(() => decodeLeaseSet2(byOwner), { instanceOf: DecodeError }).code, 'authentication');
});

test('an old Destination may vouch for a new key', (t) => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = pair.publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  const raw = Buffer.concat([Buffer.alloc(256 + 64, 1), point, bytesOf('05000400010000')]);
  const seed = Buffer.alloc(32, 4);
  const section = transient(seed, (message) =>
    sign('sha256', message, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }),
  );
  const leaseSet = decodeLeaseSet2(assemble([raw, times(1), section, LISTS], seed));
  t.is(leaseSet.hash, destinationOf(raw).hash);
  t.is(leaseSet.offline?.signatureType, 7);
});

test('keys of unknown types are kept, those of known types have their length', (t) => {
  const lists = (key: string): Buffer =>
    Buffer.concat([bytesOf(`000002${key}`), X25519_KEY, Buffer.of(1), LEASE]);
  const good = assemble([keys.destination.raw, times(0), lists('01000003aabbcc')], keys.signingSeed);
  t.deepEqual(
    decodeLeaseSet2(good).encryptionKeys.map(({ type, key }) => [type, key.length]),
    [
      [256, 3],
      [4, 32],
    ],
  );
  const bad = assemble([keys.destination.raw, times(0), lists('00040003aabbcc')], keys.signingSeed);
  t.is(t.throws(() => decodeLeaseSet2(bad), { instanceOf: DecodeError }).code, 'length');
});

for (const [title, lists] of [
  ['no encryption keys', bytesOf('000000')],
  ['255 encryption keys', bytesOf('0000ff')],
  ['no leases', Buffer.concat([bytesOf('000001'), X25519_KEY, Buffer.of(0)])],
  ['17 leases', Buffer.concat([bytesOf('000001'), X25519_KEY, Buffer.of(17), ...Array(17).fill(LEASE)])],
] as const) {
  test(`a LeaseSet2 with ${title} is refused although it is signed`, (t) => {
    const bytes = assemble([keys.destination.raw, times(0), lists], keys.signingSeed);
    t.is(t.throws(() => decodeLeaseSet2(bytes), { instanceOf: DecodeError }).code, 'length');
  });
}

test('4096 bytes are the limit, in both directions', (t) => {
  const lists = (last: number): Buffer => {
    const options = new Map(Array.from({ length: 14 }, (_, i) => [`k${10 + i}`, 'x'.repeat(235)]));
    return Buffer.concat([encode(mappingCodec, options.set('z', 'x'.repeat(last))), LISTS.subarray(2)]);
  };
  const signed = (last: number): Buffer =>
    assemble([keys.destination.raw, times(0), lists(last)], keys.signingSeed);
  const last = LEASE_SET_MAX_SIZE - signed(0).length;
  t.true(last > 0 && last < 255);
  const full = decodeLeaseSet2(signed(last));
  t.is(full.raw.length, LEASE_SET_MAX_SIZE);
  t.is(t.throws(() => decodeLeaseSet2(signed(last + 1)), { instanceOf: DecodeError }).code, 'length');
  const options = new Map([...full.options, ['zz', 'x']]);
  t.throws(() => createLeaseSet2(signer, { ...full, options }), { instanceOf: RangeError });
});

test('a Lease2 holds on the layout of the specification', (t) => {
  codecHolds(t, leaseCodec, { value: { ...lease, expires: 0x6b6b6b6b * 1000 }, bytes: LEASE });
});
