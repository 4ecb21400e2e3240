import { DecodeError } from '@allium/common/bytes/errors.ts';
import test from 'ava';
import { routerAddressCodec } from '../../../services/router/wire/router-address.ts';
import {
  createRouterInfo,
  decodeRouterInfo,
  ROUTER_INFO_MAX_SIZE,
  type RouterKeys,
  routerInfoCodec,
} from '../../../services/router/wire/router-info.ts';
import { createRouterKeys } from '../../../services/router/wire/router-keys.ts';
import { codecHolds, onlyDecodeErrors } from '../../support/codec-macro.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { bytesOf, flipped, named, routerInfoVectors } from './vectors.ts';

const keys = createRouterKeys(recordedEntropy('router-info'));

for (const vector of routerInfoVectors) {
  test(`i2pd's RouterInfo "${vector.name}" verifies`, (t) => {
    const info = decodeRouterInfo(bytesOf(vector.hex));
    t.is(info.hash as string, vector.hash);
    t.is(info.published, vector.published);
    t.is(info.options.get('netId'), '99');
    t.is(info.options.get('router.version'), '0.9.68');
  });

  test(`with i2pd's keys we sign the same bytes as i2pd: "${vector.name}"`, (t) => {
    const info = decodeRouterInfo(bytesOf(vector.hex));
    const theirs: RouterKeys = { ...keys, identity: info.identity, signingSeed: bytesOf(vector.signingSeed) };
    t.is(Buffer.from(createRouterInfo(theirs, info).raw).toString('hex'), vector.hex);
  });
}

test('the codec holds on a RouterInfo of i2pd', (t) => {
  const bytes = bytesOf(named(routerInfoVectors, 'rich').hex);
  codecHolds(t, routerInfoCodec, { value: decodeRouterInfo(bytes), bytes });
});

test('no flipped bit verifies', (t) => {
  const bytes = bytesOf(named(routerInfoVectors, 'rich').hex);
  for (let at = 0; at < bytes.length; at++) {
    t.throws(() => decodeRouterInfo(flipped(bytes, at)), { instanceOf: DecodeError });
  }
  onlyDecodeErrors(t, decodeRouterInfo, bytes);
});

test('a changed date is a wrong signature', (t) => {
  const bytes = bytesOf(named(routerInfoVectors, 'flood').hex);
  const error = t.throws(() => decodeRouterInfo(flipped(bytes, 391 + 7)), { instanceOf: DecodeError });
  t.is(error.code, 'authentication');
});

test('a RouterInfo owns its memory and copies it once', (t) => {
  const input = bytesOf(named(routerInfoVectors, 'flood').hex);
  const info = decodeRouterInfo(input);
  input.fill(0);
  t.is(Buffer.from(info.raw).toString('hex'), named(routerInfoVectors, 'flood').hex);
  t.is(info.identity.raw.buffer, info.raw.buffer);
  t.is(info.identity.signingKey.buffer, info.raw.buffer);
  t.is(info.raw.buffer.byteLength, info.raw.length, 'not a slice of a shared pool');
});

test('options are in the order of their bytes whatever order they came in', (t) => {
  const options = new Map([
    ['router.version', '0.9.68'],
    ['netId', '99'],
    ['caps', 'LUG'],
  ]);
  const info = createRouterInfo(keys, { published: 1_800_000_000_123, addresses: [], options });
  t.deepEqual([...info.options.keys()], ['caps', 'netId', 'router.version']);
  t.is(info.published, 1_800_000_000_123);
});

test('3072 bytes are the limit, in both directions', (t) => {
  const empty = createRouterInfo(keys, { published: 0, addresses: [], options: new Map() }).raw.length;
  const options = new Map(Array.from({ length: 11 }, (_, i) => [`k${10 + i}`, 'x'.repeat(220)]));
  const used = 11 * (1 + 3 + 1 + 1 + 220 + 1);
  const last = ROUTER_INFO_MAX_SIZE - empty - used - 5;
  t.true(last > 0 && last <= 255);
  const full = createRouterInfo(keys, {
    published: 0,
    addresses: [],
    options: new Map([...options, ['z', 'x'.repeat(last)]]),
  });
  t.is(full.raw.length, ROUTER_INFO_MAX_SIZE);
  const more = new Map([...options, ['z', 'x'.repeat(last + 1)]]);
  t.throws(() => createRouterInfo(keys, { published: 0, addresses: [], options: more }), {
    instanceOf: RangeError,
  });
  const error = t.throws(() => decodeRouterInfo(Buffer.concat([full.raw, Buffer.of(0)])), {
    instanceOf: DecodeError,
  });
  t.is(error.code, 'length');
});

test('too many addresses and peers are refused before they are read', (t) => {
  const bytes = bytesOf(named(routerInfoVectors, 'flood').hex);
  bytes[399] = 255;
  t.is(t.throws(() => decodeRouterInfo(bytes), { instanceOf: DecodeError }).code, 'length');
  const { raw } = createRouterInfo(keys, { published: 0, addresses: [], options: new Map() });
  const peers = Buffer.from(raw);
  peers[400] = 1;
  t.is(t.throws(() => decodeRouterInfo(peers), { instanceOf: DecodeError }).code, 'unsupported');
});

test('a RouterAddress holds on the layout of the specification', (t) => {
  const bytes = Buffer.concat([
    Buffer.of(14, 0, 0, 0, 0, 0, 0, 0, 0),
    Buffer.from('\x05NTCP2\x00\x06\x01v=\x012;', 'latin1'),
  ]);
  const value = { transport: 'NTCP2', cost: 14, options: new Map([['v', '2']]) };
  codecHolds(t, routerAddressCodec, { value, bytes });
});

test('an address that expires is refused', (t) => {
  const info = decodeRouterInfo(bytesOf(named(routerInfoVectors, 'flood').hex));
  const bytes = Buffer.from(info.raw);
  bytes[401] = 1;
  t.is(t.throws(() => decodeRouterInfo(bytes), { instanceOf: DecodeError }).code, 'value');
});
