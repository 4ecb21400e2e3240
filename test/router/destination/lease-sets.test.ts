import { Announcements } from '@allium/router/destination/announcements.ts';
import {
  ANNOUNCE_AGAIN,
  FAILED_LEASE_TIME,
  LEASE_MARGIN,
  MAX_REMOTES,
  REFRESH_MARGIN,
  REPUBLISH_AFTER,
  STALL_SPACING,
} from '@allium/router/destination/limits.ts';
import { OwnLeaseSet } from '@allium/router/destination/own-lease-set.ts';
import { Remotes } from '@allium/router/destination/remotes.ts';
import { Route } from '@allium/router/destination/route.ts';
import { Waiting } from '@allium/router/destination/waiting.ts';
import { Budget } from '@allium/router/node/budget.ts';
import type { DestinationKeys } from '@allium/router/wire/destination.ts';
import { routerHash } from '@allium/router/wire/hash.ts';
import { identityOf, signerOf } from '@allium/router/wire/identity.ts';
import {
  createLeaseSet2,
  decodeLeaseSet2,
  type Lease,
  type LeaseSet2,
} from '@allium/router/wire/lease-set2.ts';
import test from 'ava';
import { recordedEntropy } from '../../support/entropy.ts';
import { keysOf } from '../streaming/stream-net.ts';

const NOW = 1_790_000_000_000;
const alice = keysOf('alice');

function lease(seed: number, expires = NOW + 600_000): Lease {
  return { gateway: routerHash(recordedEntropy(`gateway ${seed}`)(32)), tunnelId: 1_000 + seed, expires };
}

let lastWay = 0;
const ways = (): number => ++lastWay;

function leaseSetOf(keys: DestinationKeys, published: number, leases: Lease[] = [lease(1)]): LeaseSet2 {
  return createLeaseSet2(signerOf(keys), {
    published,
    leases,
    encryptionKeys: [{ type: 4, key: keys.encryption.publicKey }],
  });
}

test('our LeaseSet is signed, holds the leases and ends with the last of them', (t) => {
  const own = new OwnLeaseSet(identityOf(alice), true);
  own.update([lease(1, NOW + 300_000), lease(2, NOW + 500_000), lease(3, NOW - 1)], NOW);
  const leaseSet = own.publication(NOW);
  if (!leaseSet) return t.fail('not published');
  const decoded = decodeLeaseSet2(leaseSet.raw);
  t.deepEqual(
    decoded.leases.map(({ tunnelId }) => tunnelId),
    [1_002, 1_001],
  );
  t.is(decoded.expires, NOW + 500_000);
  t.false(decoded.unpublished);
  t.is(own.current(NOW + 500_000), undefined);
});

test('two LeaseSets never have the same second', (t) => {
  const own = new OwnLeaseSet(identityOf(alice), false);
  const seconds = new Set<number>();
  for (let i = 0; i < 20; i++) {
    own.update([lease(i)], NOW + i);
    seconds.add(own.current(NOW + i)?.published ?? 0);
  }
  t.is(seconds.size, 20);
});

test('a client’s LeaseSet says so and is not published', (t) => {
  const own = new OwnLeaseSet(identityOf(alice), false);
  own.update([lease(1)], NOW);
  t.true(own.current(NOW)?.unpublished);
  t.is(own.publication(NOW + 1_000_000), undefined);
});

test('changes are published at a pace that floodfills pass on, the same leases again after some minutes', (t) => {
  const own = new OwnLeaseSet(identityOf(alice), true);
  const at: number[] = [];
  const dates: number[] = [];
  for (let now = NOW; now < NOW + 240_000 + REPUBLISH_AFTER; now += 100) {
    const changes = Math.min(120, Math.floor((now - NOW) / 1_000));
    own.update([lease(changes, NOW + 900_000)], now);
    const leaseSet = own.publication(now);
    if (leaseSet) at.push(now - NOW);
    if (leaseSet) dates.push(leaseSet.published);
  }
  t.is(at[0], 0, 'the first at once');
  t.true((at[1] ?? 0) <= 5_100, 'the second soon');
  for (const since of at) t.true(at.filter((it) => it >= since && it < since + 60_000).length <= 3);
  t.true(
    at.some((it) => it >= 120_000 && it < 190_000),
    'the last change too',
  );
  t.true(
    at.some((it) => it >= REPUBLISH_AFTER),
    'and again',
  );
  t.deepEqual([...new Set(dates)].sort(), dates, 'strictly increasing');
});

test('a publication that no floodfill confirms is tried again after 10, 20 and 40 s, then at that pace', (t) => {
  const own = new OwnLeaseSet(identityOf(alice), true);
  own.update([lease(1)], NOW);
  const at: number[] = [];
  for (let now = NOW; now < NOW + 200_000; now += 500) {
    if (!own.publication(now)) continue;
    at.push((now - NOW) / 1_000);
    own.published(false, now);
  }
  t.deepEqual(at.slice(0, 5), [0, 10, 30, 70, 110]);
  const confirmed = new OwnLeaseSet(identityOf(alice), true);
  confirmed.update([lease(1)], NOW);
  confirmed.publication(NOW);
  confirmed.published(true, NOW);
  t.is(confirmed.wakeAt, NOW + REPUBLISH_AFTER);
});

test('the same leases again change nothing', (t) => {
  const own = new OwnLeaseSet(identityOf(alice), true);
  own.update([lease(1), lease(2)], NOW);
  const first = own.current(NOW);
  own.update([lease(2), lease(1)], NOW + 5_000);
  t.is(own.current(NOW), first);
});

test('more tunnels than a LeaseSet holds: the ones that last longest are named', (t) => {
  const own = new OwnLeaseSet(identityOf(alice), true);
  own.update(
    Array.from({ length: 20 }, (_, i) => lease(i, NOW + 100_000 + i * 1_000)),
    NOW,
  );
  const leases = own.current(NOW)?.leases ?? [];
  t.is(leases.length, 16);
  t.is(Math.min(...leases.map(({ expires }) => expires)), NOW + 104_000);
});

test('a route keeps its lease as long as it lasts, then takes another', (t) => {
  const route = new Route(recordedEntropy('route'), ways);
  const leases = [lease(1, NOW + 100_000), lease(2, NOW + 200_000)];
  const first = route.choose(leases, NOW);
  for (let now = NOW; first && now < first.expires - LEASE_MARGIN; now += 5_000) {
    t.is(route.choose(leases, now), first);
  }
  const last = route.choose(leases, NOW + 100_000);
  t.is(last?.tunnelId, 1_002);
  t.is(route.choose(leases, NOW + 200_000 - LEASE_MARGIN), undefined);
});

test('stalls try every pair of outbound tunnel and lease', (t) => {
  const route = new Route(recordedEntropy('stalls'), ways);
  const leases = [lease(1), lease(2)];
  const pairs = new Set<string>();
  for (let i = 0; i < 4; i++) {
    pairs.add(`${route.outbound % 2} ${route.choose(leases, NOW)?.tunnelId}`);
    route.stalled(NOW + i * STALL_SPACING);
  }
  t.is(pairs.size, 4);
});

test('a failed lease is avoided for a while, unless there is no other', (t) => {
  const route = new Route(recordedEntropy('failed'), ways);
  const leases = [lease(1), lease(2), lease(3)];
  const bad = route.choose(leases, NOW);
  const before = route.outbound;
  route.stalled(NOW - STALL_SPACING);
  route.stalled(NOW);
  route.stalled(NOW + 1);
  for (let i = 0; i < 20; i++) t.not(route.choose(leases, NOW + i), bad);
  t.is(route.choose([bad ?? lease(1)], NOW + 30), bad);
  t.is(route.outbound, before + 1, 'complaints at the same time count once');
  t.true(FAILED_LEASE_TIME < 600_000);
});

test('a LeaseSet ages out when all its leases do', (t) => {
  const [short, long] = [lease(1, NOW + REFRESH_MARGIN), lease(2, NOW + REFRESH_MARGIN + 1)];
  t.true(Route.agesOut([short], NOW));
  t.false(Route.agesOut([short, long], NOW));
});

test('newer LeaseSets replace older ones, never the other way', (t) => {
  const remotes = new Remotes(recordedEntropy('remotes'), new Budget().share().remotes);
  const [old, fresh] = [leaseSetOf(alice, NOW - 10_000), leaseSetOf(alice, NOW)];
  t.true(remotes.learn(fresh, NOW));
  t.false(remotes.learn(old, NOW));
  t.false(remotes.learn(fresh, NOW));
  t.is(remotes.get(alice.destination.hash, NOW)?.leaseSet, fresh);
});

test('LeaseSets of the past and of the future are refused', (t) => {
  const remotes = new Remotes(recordedEntropy('dates'), new Budget().share().remotes);
  t.false(remotes.learn(leaseSetOf(alice, NOW - 700_000, [lease(1, NOW)]), NOW));
  t.false(remotes.learn(leaseSetOf(alice, NOW + 300_000), NOW));
});

test('a key belongs to everybody whose LeaseSet has it', (t) => {
  const remotes = new Remotes(recordedEntropy('keys'), new Budget().share().remotes);
  const twin = { ...keysOf('twin'), encryption: alice.encryption };
  const key = alice.encryption.publicKey;
  t.deepEqual(remotes.withKey(key), []);
  remotes.learn(leaseSetOf(alice, NOW), NOW);
  remotes.learn(leaseSetOf(twin, NOW), NOW);
  t.deepEqual([...remotes.withKey(key)], [alice.destination.hash, twin.destination.hash]);
  const moved = { ...twin, encryption: keysOf('new key').encryption };
  remotes.learn(leaseSetOf(moved, NOW + 1_000), NOW + 1_000);
  t.deepEqual([...remotes.withKey(key)], [alice.destination.hash]);
});

test('a remote with other key types only is known, and has no key', (t) => {
  const remotes = new Remotes(recordedEntropy('types'), new Budget().share().remotes);
  const encryptionKeys = [{ type: 0, key: new Uint8Array(256) }];
  remotes.learn(
    createLeaseSet2(signerOf(alice), { published: NOW, leases: [lease(1)], encryptionKeys }),
    NOW,
  );
  const remote = remotes.get(alice.destination.hash, NOW);
  t.truthy(remote);
  t.is(remote?.publicKey, undefined);
});

test('the type 4 key is chosen among several', (t) => {
  const remotes = new Remotes(recordedEntropy('several'), new Budget().share().remotes);
  const { publicKey } = alice.encryption;
  const encryptionKeys = [
    { type: 6, key: new Uint8Array(32).fill(6) },
    { type: 4, key: publicKey },
    { type: 0, key: new Uint8Array(256) },
  ];
  remotes.learn(
    createLeaseSet2(signerOf(alice), { published: NOW, leases: [lease(1)], encryptionKeys }),
    NOW,
  );
  t.deepEqual(Buffer.from(remotes.get(alice.destination.hash, NOW)?.publicKey ?? []), Buffer.from(publicKey));
});

test('our LeaseSet goes to a remote until it is confirmed, not with every message', (t) => {
  const announcements = new Announcements();
  const { hash } = alice.destination;
  t.true(announcements.wanted(hash, NOW, NOW));
  const name = announcements.sent(hash, NOW, NOW);
  t.false(announcements.wanted(hash, NOW, NOW + 1));
  t.true(announcements.wanted(hash, NOW, NOW + ANNOUNCE_AGAIN));
  announcements.confirmed(name);
  t.false(announcements.wanted(hash, NOW, NOW + 10 * ANNOUNCE_AGAIN));
  t.true(announcements.wanted(hash, NOW + 1_000, NOW + 1_001), 'a newer one');
  announcements.forget(hash);
  t.true(announcements.wanted(hash, NOW, NOW + 10 * ANNOUNCE_AGAIN));
});

test('a late confirmation of an old LeaseSet does not hide the new one', (t) => {
  const announcements = new Announcements();
  const { hash } = alice.destination;
  const old = announcements.sent(hash, NOW, NOW);
  announcements.sent(hash, NOW + 1_000, NOW + 1_000);
  announcements.confirmed(old);
  t.true(announcements.wanted(hash, NOW + 1_000, NOW + 1_000 + ANNOUNCE_AGAIN));
});

test('what waits for lookups is bounded in number and time', (t) => {
  const waiting = new Waiting(new Budget().share().waiting);
  const message = { kind: 'send', protocol: 6, fromPort: 0, toPort: 0, payload: new Uint8Array(0) } as const;
  const { hash } = alice.destination;
  t.true(waiting.add({ ...message, to: hash }, NOW));
  for (let i = 0; i < 1_000; i++) t.false(waiting.add({ ...message, to: hash }, NOW + i));
  t.is(waiting.take(hash, NOW + 1_000).length, 64);
  for (let i = 0; i < 300; i++) waiting.add({ ...message, to: keysHash(i) }, NOW);
  t.true(waiting.size <= 128);
  t.is(waiting.overdue(NOW + 60_000).length, 128);
  t.is(waiting.size, 0);
  t.true(MAX_REMOTES >= 128);
});

function keysHash(seed: number): typeof alice.destination.hash {
  return routerHash(recordedEntropy(`hash ${seed}`)(32)) as string as typeof alice.destination.hash;
}
