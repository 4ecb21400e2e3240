import { isIP } from 'node:net';
import { toBase64 } from '@allium/common/bytes/text.ts';
import { parseIp } from '@allium/common/net/ip-address.ts';
import test from 'ava';
import fc from 'fast-check';
import {
  publishedNtcp2Address,
  routerOptions,
  unpublishedNtcp2Address,
} from '../../../services/router/wire/own-router.ts';
import type { RouterAddress } from '../../../services/router/wire/router-address.ts';
import {
  apiVersion,
  bandwidth,
  compareVersions,
  congestion,
  familyName,
  isAtLeast,
  isFloodfill,
  isHidden,
  isReachable,
  isUnreachable,
  netId,
  ntcp2Address,
  ntcp2StaticKeys,
} from '../../../services/router/wire/router-caps.ts';
import {
  createRouterInfo,
  decodeRouterInfo,
  type RouterInfo,
} from '../../../services/router/wire/router-info.ts';
import { createRouterKeys } from '../../../services/router/wire/router-keys.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { bytesOf, named, routerInfoVectors } from './vectors.ts';

const keys = createRouterKeys(recordedEntropy('caps'));

function router(caps: string, ...addresses: readonly RouterAddress[]): RouterInfo {
  return createRouterInfo(keys, {
    published: 0,
    addresses,
    options: routerOptions({ caps, netId: 99, version: '0.9.68' }),
  });
}

function published(changes: Readonly<Record<string, string | undefined>>): RouterInfo {
  const address = publishedNtcp2Address(keys, { host: '192.0.2.1', port: 12345 });
  const options = new Map(address.options);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) options.delete(key);
    else options.set(key, value);
  }
  return router('LR', { ...address, options });
}

test("i2pd's published address can be connected to", (t) => {
  const vector = named(routerInfoVectors, 'rich');
  const addresses = ntcp2Address(decodeRouterInfo(bytesOf(vector.hex)));
  t.is(addresses.length, 1, 'SSU2 is left out');
  t.like(addresses[0], { host: '127.0.0.1', port: 21005, family: 4 });
  t.deepEqual(Buffer.from(addresses[0]?.staticKey ?? []), bytesOf(vector.ntcp2PublicKey));
  t.deepEqual(Buffer.from(addresses[0]?.iv ?? []), bytesOf(vector.ntcp2Iv));
});

test('a router behind a proxy has a static key and no address', (t) => {
  const vector = named(routerInfoVectors, 'hidden');
  const info = decodeRouterInfo(bytesOf(vector.hex));
  t.deepEqual(ntcp2Address(info), []);
  t.deepEqual(ntcp2StaticKeys(info).map(Buffer.from), [bytesOf(vector.ntcp2PublicKey)]);
});

test('what we publish behind Tor: caps, s and v at cost 14, for both families', (t) => {
  const info = router('LUG', unpublishedNtcp2Address(keys));
  const [address] = info.addresses;
  t.is(address?.cost, 14);
  t.deepEqual(
    [...(address?.options ?? [])],
    [
      ['caps', '46'],
      ['s', toBase64(keys.ntcp2.publicKey)],
      ['v', '2'],
    ],
  );
  t.deepEqual(ntcp2Address(info), []);
  t.true(info.raw.length < 650);
});

test('what a simulated router publishes can be connected to', (t) => {
  const [address] = ntcp2Address(
    router('XfR', publishedNtcp2Address(keys, { host: '2001:db8::1', port: 1 })),
  );
  t.like(address, { host: '2001:db8::1', port: 1, family: 6 });
  t.deepEqual(Buffer.from(address?.staticKey ?? []), Buffer.from(keys.ntcp2.publicKey));
  t.deepEqual(Buffer.from(address?.iv ?? []), Buffer.from(keys.ntcp2Iv));
});

for (const [title, changes] of [
  ['a host name', { host: 'example.org' }],
  ['no host', { host: undefined }],
  ['port 0', { port: '0' }],
  ['port 65536', { port: '65536' }],
  ['a port with a sign', { port: '+80' }],
  ['no i', { i: undefined }],
  ['a short i', { i: 'AAAA' }],
  ['a broken s', { s: '!'.repeat(44) }],
  ['another version', { v: '3' }],
] as const) {
  test(`an address with ${title} is passed over`, (t) => {
    t.is(ntcp2Address(published({})).length, 1);
    t.deepEqual(ntcp2Address(published(changes)), []);
  });
}

test('version lists and the old transport name are understood', (t) => {
  t.is(ntcp2Address(published({ v: '1,2' })).length, 1);
  const { options } = publishedNtcp2Address(keys, { host: '192.0.2.1', port: 9 });
  t.is(ntcp2Address(router('R', { transport: 'NTCP', cost: 3, options })).length, 1);
});

test('capability letters are told apart', (t) => {
  const floodfill = router('OXfR');
  t.true(isFloodfill(floodfill) && isReachable(floodfill));
  t.false(isHidden(floodfill) || isUnreachable(floodfill));
  t.is(bandwidth(floodfill), 'X');
  t.is(congestion(floodfill), undefined);
  const ours = router('LUG');
  t.true(isUnreachable(ours));
  t.false(isReachable(ours) || isFloodfill(ours));
  t.is(bandwidth(ours), 'L');
  t.is(congestion(ours), 'G');
  t.is(congestion(router('PRD')), 'D');
  t.true(isHidden(router('LH')));
  t.is(bandwidth(router('')), undefined);
});

test('network, version and family are read', (t) => {
  const info = createRouterInfo(keys, {
    published: 0,
    addresses: [],
    options: new Map([
      ['netId', '2'],
      ['router.version', '0.9.59'],
      ['family', 'allium'],
    ]),
  });
  t.is(netId(info), 2);
  t.is(familyName(info), 'allium');
  t.is(apiVersion(info), '0.9.59');
  t.true(isAtLeast(info, '0.9.59'));
  t.false(isAtLeast(info, '0.9.60'));
  const bare = createRouterInfo(keys, { published: 0, addresses: [], options: new Map([['netId', '2x']]) });
  t.is(netId(bare), undefined);
  t.false(isAtLeast(bare, '0'));
});

test('versions are compared number by number', (t) => {
  t.true(compareVersions('0.9.9', '0.9.58') < 0);
  t.true(compareVersions('1.0', '0.9.68') > 0);
  t.is(compareVersions('0.9', '0.9.0'), 0);
  t.true(compareVersions('nonsense', '0.0') < 0);
});

test('IP literals are the ones that Node knows, less zones and mixed notation', (t) => {
  const nearly = fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.'), maxLength: 24 });
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), nearly), (text) => {
      const mixed = text.includes(':') && text.includes('.');
      const expected = mixed ? 0 : isIP(text);
      t.is(parseIp(text)?.length ?? 0, [0, 4, 16][expected === 0 ? 0 : expected === 4 ? 1 : 2] ?? 0, text);
    }),
    { numRuns: 2000 },
  );
  t.deepEqual(Buffer.from(parseIp('10.0.255.1') ?? []), Buffer.of(10, 0, 255, 1));
  t.is(Buffer.from(parseIp('2001:db8::a:1') ?? []).toString('hex'), `20010db8${'0'.repeat(16)}000a0001`);
  t.is(parseIp('fe80::1%eth0'), undefined);
  t.is(parseIp('01.2.3.4'), undefined);
});
