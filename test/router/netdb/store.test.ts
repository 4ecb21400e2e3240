import { hostKind } from '@allium/common/net/address-rules.ts';
import test from 'ava';
import fc from 'fast-check';
import { LeaseSetStore } from '../../../services/router/netdb/lease-set-store.ts';
import { routingKey } from '../../../services/router/netdb/routing-key.ts';
import { EXPIRY_GRACE, KEEP_ALWAYS, RouterInfoStore } from '../../../services/router/netdb/store.ts';
import { hashBytes } from '../../../services/router/wire/hash.ts';
import { makeLeaseSet, makeRouter, NET_ID, NOW, type RouterFacts } from './make.ts';

const HOUR = 3_600_000;
const RULES = { netId: NET_ID, allowPrivateAddresses: false };

const hosts: [string, string][] = [
  ['8.8.8.8', 'public'],
  ['172.15.255.255', 'public'],
  ['172.16.0.0', 'reserved'],
  ['172.31.255.255', 'reserved'],
  ['172.32.0.0', 'public'],
  ['10.1.2.3', 'reserved'],
  ['100.64.0.1', 'reserved'],
  ['100.128.0.1', 'public'],
  ['127.0.0.1', 'reserved'],
  ['169.254.1.1', 'reserved'],
  ['192.168.1.1', 'reserved'],
  ['198.19.255.255', 'reserved'],
  ['224.0.0.1', 'reserved'],
  ['255.255.255.255', 'reserved'],
  ['0.0.0.0', 'reserved'],
  ['2a01:4f8::1', 'public'],
  ['2001:db8::1', 'reserved'],
  ['2001:0:1::1', 'reserved'],
  ['2002:a00:1::1', 'reserved'],
  ['fe80::1', 'reserved'],
  ['fc00::1', 'reserved'],
  ['::1', 'reserved'],
  ['::ffff:8.8.8.8', 'name'],
  ['200:1234::1', 'overlay'],
  ['301:65b9::1', 'overlay'],
  ['router.example', 'name'],
  ['localhost', 'name'],
  ['0x7f.1', 'name'],
  ['8.8.8.8 ', 'name'],
  ['', 'name'],
  ['fe80::1%eth0', 'name'],
];
test('hosts are public, reserved, overlay or no literal', (t) => {
  t.deepEqual(
    hosts.map(([host]) => [host, hostKind(host)]),
    hosts,
  );
});

const refusals: [string, RouterFacts, string][] = [
  ['another network', { netId: '2' }, 'net-id'],
  ['no network', { netId: '' }, 'net-id'],
  ['an old version', { version: '0.9.58' }, 'version'],
  ['no version', { version: 'x' }, 'version'],
  ['a date 2 min 1 s ahead', { published: NOW + 121_000 }, 'future'],
  ['73 hours of age', { published: NOW - 73 * HOUR }, 'expired'],
  ['a host name', { host: 'evil.example' }, 'host-name'],
  ['an onion name', { host: 'abcdefghijklmnop.onion' }, 'host-name'],
  ['a private address', { host: '192.168.3.4' }, 'reserved-address'],
  ['loopback', { host: '::1' }, 'reserved-address'],
];
for (const [name, facts, reason] of refusals) {
  test(`a RouterInfo with ${name} is refused: ${reason}`, (t) => {
    const store = new RouterInfoStore(RULES);
    t.deepEqual(store.add(makeRouter('r', facts), NOW), { kind: 'refused', reason });
    t.is(store.size, 0);
    t.deepEqual(store.takeDirty(), []);
  });
}

test('what the rules allow is taken: clocks a little ahead, overlay addresses, routers without address', (t) => {
  const store = new RouterInfoStore(RULES);
  t.is(store.add(makeRouter('a', { published: NOW + 119_000 }), NOW).kind, 'added');
  t.is(store.add(makeRouter('b', { host: '201:1::1' }), NOW).kind, 'added');
  t.is(store.add(makeRouter('c', { listening: false, caps: 'LU' }), NOW).kind, 'added');
  t.is(store.add(makeRouter('d', { version: '0.9.59' }), NOW).kind, 'added');
});

test('private addresses are taken in private networks, host names never', (t) => {
  const store = new RouterInfoStore({ netId: NET_ID, allowPrivateAddresses: true });
  t.is(store.add(makeRouter('a', { host: '127.0.0.1' }), NOW).kind, 'added');
  t.deepEqual(store.add(makeRouter('b', { host: 'node1' }), NOW), { kind: 'refused', reason: 'host-name' });
});

test('newer replaces, older and same do not', (t) => {
  const store = new RouterInfoStore(RULES);
  const old = makeRouter('r', { published: NOW - 5000 });
  const young = makeRouter('r', { published: NOW - 1000, caps: 'XfR' });
  t.is(store.add(old, NOW).kind, 'added');
  t.is(store.floodfillCount, 0);
  t.is(store.add(young, NOW).kind, 'updated');
  t.is(store.floodfillCount, 1);
  t.is(store.add(young, NOW).kind, 'same');
  t.is(store.add(old, NOW).kind, 'older');
  t.is(store.get(young.hash), young);
  t.deepEqual(store.takeDirty(), [[young.hash, young]]);
});

test('a router that stops being a floodfill is no longer asked', (t) => {
  const store = new RouterInfoStore(RULES);
  store.add(makeRouter('r', { caps: 'XfR', published: NOW - 9000 }), NOW);
  store.add(makeRouter('r', { caps: 'XR', published: NOW - 1000 }), NOW);
  t.is(store.floodfillCount, 0);
  t.deepEqual(
    store.nearestFloodfills(Buffer.alloc(32), 3, () => true),
    [],
  );
});

test('a full store drops old and unreachable entries, and never pinned ones', (t) => {
  const store = new RouterInfoStore(RULES, 40);
  const ours = Array.from({ length: 5 }, (_, i) => makeRouter(`ours ${i}`, { published: NOW - 50 * HOUR }));
  for (const info of ours) store.add(info, NOW);
  store.pin(new Set(ours.map(({ hash }) => hash)));
  for (let i = 0; i < 200; i++) store.add(makeRouter(`flood ${i}`, { caps: i % 2 ? 'LU' : 'OR' }), NOW);
  t.is(store.size, 40);
  t.true(ours.every(({ hash }) => store.get(hash)));
  const unreachable = [...store.all()].filter(({ options }) => options.get('caps') === 'LU').length;
  t.true(unreachable < 12, `${unreachable} unreachable ones are left`);
  const kept = new Set([...store.all()].map(({ hash }) => hash));
  for (const [hash, info] of store.takeDirty()) t.is(info !== undefined, kept.has(hash));
});

test('even with everything pinned the bound holds', (t) => {
  const store = new RouterInfoStore(RULES, 10);
  const all = Array.from({ length: 30 }, (_, i) => makeRouter(`p ${i}`));
  store.pin(new Set(all.map(({ hash }) => hash)));
  for (const info of all) store.add(info, NOW);
  t.is(store.size, 10);
});

test('expiry waits for an hour of running, keeps the last 25, and drops by age', (t) => {
  const store = new RouterInfoStore(RULES);
  for (let i = 0; i < 40; i++) store.add(makeRouter(`e ${i}`, { published: NOW - i * HOUR }), NOW);
  const later = NOW + 60 * HOUR;
  t.is(store.expire(later, EXPIRY_GRACE - 1), 0);
  t.is(store.expire(later, EXPIRY_GRACE), 40 - KEEP_ALWAYS);
  t.is(store.size, KEEP_ALWAYS);
  t.is(store.expire(NOW + 1000 * HOUR, EXPIRY_GRACE), 0);
});

test('the nearest floodfills are those of a brute-force sort, without excluded ones', (t) => {
  const store = new RouterInfoStore(RULES);
  const all = Array.from({ length: 60 }, (_, i) => makeRouter(`n ${i}`, { caps: i % 3 ? 'OfR' : 'OR' }));
  for (const info of all) store.add(info, NOW);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(12), (hash, count) => {
      const key = routingKey(hash, '20261124');
      const distance = (x: Uint8Array): string =>
        Buffer.from(x.map((byte, i) => byte ^ (key[i] ?? 0))).toString('hex');
      const expected = all
        .filter((info, i) => i % 3 !== 0 && info !== all[1])
        .map((info) => ({ info, far: distance(hashBytes(info.hash)) }))
        .sort((a, b) => (a.far < b.far ? -1 : 1))
        .slice(0, count);
      const found = store.nearestFloodfills(key, count, (info) => info !== all[1]);
      t.deepEqual(
        found.map((x) => x.hash),
        expected.map((x) => x.info.hash),
      );
    }),
    { numRuns: 40 },
  );
});

test('LeaseSets: newer wins, dates count, and the end is that of the last lease', (t) => {
  const store = new LeaseSetStore();
  const old = makeLeaseSet('d', { published: NOW - 10_000 });
  const young = makeLeaseSet('d', { published: NOW - 2_000 });
  t.is(store.add(old, NOW, false).kind, 'added');
  t.is(store.add(young, NOW, false).kind, 'updated');
  t.is(store.add(old, NOW, false).kind, 'older');
  t.is(store.get(old.hash, NOW), young);
  t.is(store.get(old.hash, NOW + 598_001), undefined);
  t.is(store.expire(NOW + 598_001), 1);
  const future = makeLeaseSet('f', { published: NOW + 121_000 });
  t.deepEqual(store.add(future, NOW, false), { kind: 'refused', reason: 'future' });
  t.deepEqual(store.add(old, NOW + HOUR, false), { kind: 'refused', reason: 'expired' });
});

test('only what was stored at us is given to others', (t) => {
  const store = new LeaseSetStore();
  const leaseSet = makeLeaseSet('d');
  store.add(leaseSet, NOW, false);
  t.is(store.getStored(leaseSet.hash, NOW), undefined);
  store.add(leaseSet, NOW, true);
  t.is(store.getStored(leaseSet.hash, NOW), leaseSet);
});

test('a flood of LeaseSets stays within the bound', (t) => {
  const store = new LeaseSetStore(20);
  for (let i = 0; i < 60; i++) store.add(makeLeaseSet(`l ${i}`), NOW, true);
  t.is(store.size, 20);
});

test('a RouterInfo whose encryption key nobody can share a secret with is refused, signed or not', (t) => {
  const store = new RouterInfoStore(RULES);
  const info = makeRouter('weak', { caps: 'OfR', encryptionKey: new Uint8Array(32) });
  t.deepEqual(store.add(info, NOW), { kind: 'refused', reason: 'weak-key' });
  t.is(store.floodfillCount, 0);
});
