import { FEW_NEIGHBOURS } from '@allium/router/node/neighbours.ts';
import {
  FORGIVE_AFTER,
  FORGIVE_AFTER_MAX,
  HEARD_WITHIN,
  STRANDED_AFTER,
  TOR_PAUSE,
} from '@allium/router/node/peering.ts';
import type { SessionFailure } from '@allium/router/node/session-events.ts';
import type { Close } from '@allium/router/ntcp2/types.ts';
import { MAX_DIALS, REST, RETRY_PAUSE } from '@allium/router/peers/dial.ts';
import { MAX_SAMPLED } from '@allium/router/peers/first-hops.ts';
import { MIN_TUNNELS, TUNNEL_WINDOW } from '@allium/router/peers/hop-budget.ts';
import { PROFILE_TTL } from '@allium/router/peers/profile-table.ts';
import type { RouterInfo } from '@allium/router/wire/router-info.ts';
import test from 'ava';
import { makeRouter, NOW, someHash } from '../netdb/make.ts';
import { Rig } from './peering-rig.ts';

const DIAL = (code: 'proxy' | 'circuit' | 'refused' | 'timeout' | 'aborted'): SessionFailure => ({
  stage: 'dial',
  code,
});
const SESSION = (close: Omit<Close, 'peerFault'>, established = false): SessionFailure => ({
  stage: 'session',
  close: { peerFault: false, ...close },
  established,
});

/** A rig that knows one router. */
function lonely(): { rig: Rig; peer: RouterInfo } {
  const rig = new Rig();
  const [peer] = rig.know(1);
  return { rig, peer: peer as RouterInfo };
}

test('while Tor is away nobody is dialled and nobody is blamed; after a pause all may be tried again', (t) => {
  const { rig, peer } = lonely();
  t.deepEqual(rig.plan(), [peer.hash]);
  rig.peering.down(peer.hash, DIAL('proxy'), NOW, NOW);
  t.is(rig.peering.wakeAt(NOW), NOW + TOR_PAUSE);
  t.deepEqual(rig.plan(NOW), []);
  t.deepEqual(rig.plan(NOW + TOR_PAUSE - 1), []);
  t.deepEqual(rig.plan(NOW + TOR_PAUSE), [peer.hash]);
  t.deepEqual([rig.counts(peer.hash), rig.rows()], [{}, []]);
});

test('a session that comes up ends the pause: Tor is there', (t) => {
  const rig = new Rig();
  const [one, two] = rig.know(2) as [RouterInfo, RouterInfo];
  rig.peering.down(one.hash, DIAL('proxy'), NOW, NOW);
  t.deepEqual(rig.plan(), []);
  rig.connect(two);
  t.deepEqual(rig.plan(), [one.hash]);
});

test('a dial that was given up blames nobody', (t) => {
  const { rig, peer } = lonely();
  rig.peering.down(peer.hash, DIAL('aborted'), NOW, NOW);
  t.deepEqual(rig.plan(), [peer.hash]);
  t.deepEqual([rig.counts(peer.hash), rig.rows()], [{}, []]);
});

for (const code of ['refused', 'timeout'] as const) {
  test(`a dial that ends with ${code} counts against the peer, which rests and is then met by another exit`, (t) => {
    const { rig, peer } = lonely();
    const before = rig.peering.dialOf(peer.hash);
    rig.peering.down(peer.hash, DIAL(code), NOW, NOW);
    t.deepEqual(rig.counts(peer.hash), { connectFailed: 1 });
    const after = rig.peering.dialOf(peer.hash);
    t.deepEqual(after?.address, before?.address);
    t.not(after?.isolation, before?.isolation);
    rig.connect(...rig.know(1));
    t.deepEqual(rig.plan(NOW + RETRY_PAUSE - 1), []);
    t.deepEqual(rig.plan(NOW + RETRY_PAUSE), [peer.hash]);
  });
}

const handshakes: [string, SessionFailure, object, number][] = [
  [
    'a peer that never answered TCP',
    SESSION({ stage: 'connect', code: 'timeout' }),
    { connectFailed: 1 },
    RETRY_PAUSE,
  ],
  [
    'a wrong message 2',
    SESSION({ stage: 'created', code: 'authentication' }),
    { handshakeFailed: 1 },
    RETRY_PAUSE,
  ],
  [
    'silence after message 1',
    SESSION({ stage: 'created', code: 'peer-closed' }),
    { handshakeFailed: 1 },
    RETRY_PAUSE,
  ],
  ['another network', SESSION({ stage: 'created', code: 'network-id' }), { handshakeFailed: 1 }, REST],
  ['a ban', SESSION({ stage: 'created', code: 'terminated', reason: 17 }), { handshakeFailed: 1 }, REST],
];
for (const [title, failure, counts, rest] of handshakes) {
  test(`${title} lands in the profile under its stage, and the peer rests ${rest / 60_000} min`, (t) => {
    const { rig, peer } = lonely();
    rig.peering.down(peer.hash, failure, NOW, NOW);
    t.deepEqual(rig.counts(peer.hash), counts);
    rig.connect(...rig.know(1));
    t.deepEqual(rig.plan(NOW + rest - 1), []);
    t.deepEqual(rig.plan(NOW + rest), [peer.hash]);
  });
}

test('the reason of a refusal is kept in the profile and counted', (t) => {
  const { rig, peer } = lonely();
  rig.peering.down(peer.hash, SESSION({ stage: 'created', code: 'terminated', reason: 15 }), NOW, NOW);
  t.is(rig.peering.profiles.get(peer.hash, NOW).reason, 15);
  t.deepEqual(rig.peering.profiles.counters.toJSON(), { 'handshakeFailed-15': 1 });
});

const blameless: [string, SessionFailure][] = [
  ['no address', { stage: 'address' }],
  ['too many links', { stage: 'limit' }],
  ['our own goodbye', SESSION({ stage: 'created', code: 'local', reason: 0 })],
  ['the end of an established session', SESSION({ stage: 'data', code: 'peer-closed' }, true)],
];
for (const [title, failure] of blameless) {
  test(`${title} is nobody's failure`, (t) => {
    const { rig, peer } = lonely();
    rig.peering.down(peer.hash, failure, NOW, NOW);
    t.deepEqual([rig.counts(peer.hash), rig.rows()], [{}, []]);
    t.deepEqual(rig.plan(), [peer.hash]);
  });
}

test('a session that comes up counts twice, for TCP and handshake, and ends a rest', (t) => {
  const { rig, peer } = lonely();
  rig.peering.down(peer.hash, DIAL('refused'), NOW, NOW);
  rig.connect(peer);
  t.deepEqual(rig.counts(peer.hash), { connected: 1, connectFailed: 1, established: 1 });
  rig.office.terminate(NOW);
  t.deepEqual(rig.plan(), [peer.hash]);
});

const verdicts = {
  accepted: 'accepted',
  declined: 'declined',
  testPassed: 'tested',
  testFailed: 'testFailed',
} as const;
for (const [verdict, stage] of Object.entries(verdicts) as [keyof typeof verdicts, string][]) {
  test(`a hop's ${verdict} lands in its profile as ${stage}`, (t) => {
    const { rig, peer } = lonely();
    rig.peering.hop(peer.hash, verdict, NOW);
    t.deepEqual(rig.counts(peer.hash), { [stage]: 1 });
  });
}

test('without any session for a while all failures are forgiven, with one they are not', (t) => {
  const rig = new Rig();
  const [bad, good] = rig.know(2) as [RouterInfo, RouterInfo];
  for (const { hash } of [bad, good]) rig.peering.down(hash, DIAL('refused'), NOW, NOW);
  t.deepEqual(rig.plan(NOW), []);
  t.deepEqual(rig.plan(NOW + FORGIVE_AFTER - 1), []);
  t.deepEqual(new Set(rig.plan(NOW + FORGIVE_AFTER)), new Set([bad.hash, good.hash]));
  rig.connect(good);
  rig.peering.down(bad.hash, DIAL('refused'), NOW + FORGIVE_AFTER, NOW + FORGIVE_AFTER);
  t.deepEqual(rig.plan(NOW + 2 * FORGIVE_AFTER), []);
  t.deepEqual(rig.plan(NOW + 3 * FORGIVE_AFTER), []);
  rig.office.terminate(NOW);
  rig.peering.down(good.hash, DIAL('refused'), NOW + 3 * FORGIVE_AFTER, NOW + 3 * FORGIVE_AFTER);
  t.deepEqual(rig.plan(NOW + 3 * FORGIVE_AFTER + 1), [], 'loneliness is counted anew');
  t.is(rig.plan(NOW + 4 * FORGIVE_AFTER + 1).length, 2);
});

test('after the clock was moved neither the pause nor rests of the old clock hold', (t) => {
  const { rig, peer } = lonely();
  const ahead = NOW + 3_600_000;
  rig.peering.down(peer.hash, DIAL('refused'), ahead, ahead);
  rig.peering.down(someHash('tor'), DIAL('proxy'), ahead, ahead);
  t.deepEqual(rig.plan(NOW), []);
  rig.peering.clockMoved(0);
  t.deepEqual(rig.plan(NOW), [peer.hash]);
  t.true(rig.peering.wakeAt(NOW) < ahead);
});

test('we, whom we have a session with and whom we dial are not dialled', (t) => {
  const rig = new Rig();
  rig.store.add(rig.info, NOW);
  const [up, dialling, free] = rig.know(3) as [RouterInfo, RouterInfo, RouterInfo];
  rig.connect(up);
  rig.office.dial(dialling.hash, NOW);
  t.deepEqual(rig.plan(), [free.hash]);
  rig.know(20);
  t.is(rig.plan().length, MAX_DIALS - 1);
});

test('a router that the NetDB does not know, or that has no address, cannot be dialled', (t) => {
  const rig = new Rig();
  const [hidden] = rig.know(1, { listening: false }) as [RouterInfo];
  t.is(rig.peering.dialOf(hidden.hash), undefined);
  t.is(rig.peering.dialOf(makeRouter('stranger').hash), undefined);
});

for (const direction of ['inbound', 'outbound'] as const) {
  test(`hops of an ${direction} tunnel: next to us a connected one, never ourselves or who is excluded`, (t) => {
    const rig = new Rig(direction);
    rig.store.add(rig.info, NOW);
    const peers = rig.know(14);
    const near = peers.slice(0, 5);
    rig.connectPlanned(...near);
    const exclude = [peers[0]?.hash ?? rig.self, peers[9]?.hash ?? rig.self];
    const seen = new Set<string>();
    for (let n = 0; n < 60; n++) {
      const request = { direction, length: 3, exclude, pool: n % 2, order: 1 };
      const hops = rig.peering.chooseHops(request, rig.office.sessions, NOW + n * TUNNEL_WINDOW) ?? [];
      t.is(hops.length, 3);
      const hashes = hops.map(({ hash }) => hash);
      t.is(new Set(hashes).size, 3);
      t.true([rig.self, ...exclude].every((hash) => !hashes.includes(hash)));
      const next = direction === 'inbound' ? hashes[2] : hashes[0];
      t.true(near.slice(1).some(({ hash }) => hash === next));
      for (const { hash, publicKey } of hops) {
        seen.add(hash);
        t.deepEqual(publicKey, rig.store.get(hash)?.identity.publicKey);
      }
    }
    t.is(seen.size, 12, 'everybody else gets a turn');
  });
}

test('without a session to a first hop no tunnel can be chosen', (t) => {
  const rig = new Rig();
  const ask = (direction: 'inbound' | 'outbound') =>
    rig.peering.chooseHops(
      { direction, length: 2, exclude: [], pool: 1, order: 1 },
      rig.office.sessions,
      NOW,
    );
  t.is(ask('outbound'), undefined);
  const [peer] = rig.know(6) as [RouterInfo];
  t.is(ask('outbound'), undefined);
  rig.connect(peer);
  t.is(ask('inbound'), undefined, 'a session that came about otherwise is of no use');
  rig.plan();
  t.is(ask('inbound')?.at(-1)?.hash, peer.hash);
  t.is(ask('outbound')?.at(0)?.hash, peer.hash);
});

test('who is connected but was not drawn never becomes a first hop', (t) => {
  const rig = new Rig();
  const drawn = rig.know(MAX_SAMPLED);
  rig.plan();
  const [intruder] = rig.know(1) as [RouterInfo];
  rig.connect(...drawn.slice(0, 2), intruder);
  for (let n = 0; n < 50; n++) {
    rig.plan(NOW + n);
    const request = { direction: 'inbound', length: 2, exclude: [], pool: 1, order: 1 } as const;
    t.not(rig.peering.chooseHops(request, rig.office.sessions, NOW)?.at(-1)?.hash, intruder.hash);
  }
  t.false(rig.peering.isFirstHop(intruder.hash));
  t.true(
    rig.peering.kept(rig.office.sessions).has(intruder.hash),
    'its RouterInfo stays while it is connected',
  );
});

test('a neighbour that carries its share of tunnels gives way to others', (t) => {
  const rig = new Rig();
  const peers = rig.know(8);
  rig.connectPlanned(...peers.slice(0, 2));
  const [busy, idle] = peers as [RouterInfo, RouterInfo];
  rig.neighbours.set(busy.hash, 6);
  for (let n = 0; n < 20; n++) {
    const request = { direction: 'inbound', length: 2, exclude: [], pool: 1, order: 1 } as const;
    const hops = rig.peering.chooseHops(request, rig.office.sessions, NOW + n * TUNNEL_WINDOW);
    t.is(hops?.at(-1)?.hash, idle.hash);
  }
});

test('while nobody answers, no more builds begin at first hops than Java is sure to read', (t) => {
  const rig = new Rig();
  const near = rig.know(60).slice(0, 5);
  rig.connectPlanned(...near);
  const begun = new Map<string, number>();
  for (let at = NOW; at < NOW + TUNNEL_WINDOW; at += 1_000) {
    const request = { direction: 'outbound', length: 3, exclude: [], pool: 1, order: 1 } as const;
    const hops = rig.peering.chooseHops(request, rig.office.sessions, at);
    const first = hops?.[0]?.hash;
    if (first !== undefined) begun.set(first, (begun.get(first) ?? 0) + 1);
  }
  t.is(begun.size, near.length, 'all of them are used');
  t.deepEqual(new Set(begun.values()), new Set([MIN_TUNNELS]));
});

test('with too few first hops the idlest gets more than that', (t) => {
  const rig = new Rig();
  const near = rig.know(60).slice(0, FEW_NEIGHBOURS - 1);
  rig.connectPlanned(...near);
  const begun = new Map<string, number>();
  for (let n = 0; n < 30; n++) {
    const request = { direction: 'outbound', length: 3, exclude: [], pool: 1, order: 1 } as const;
    const first = rig.peering.chooseHops(request, rig.office.sessions, NOW + n)?.[0]?.hash ?? 'none';
    begun.set(first, (begun.get(first) ?? 0) + 1);
  }
  t.is(begun.get('none'), undefined);
  t.true(Math.max(...begun.values()) <= 14, [...begun.values()].join(' '));
});

test('a neighbour that swallows builds while others answer is guilty alone, and left out', (t) => {
  const rig = new Rig();
  const routers = rig.know(60);
  const near = routers.slice(0, 6);
  rig.connectPlanned(...near);
  const bad = near[2]?.hash ?? rig.self;
  let through = 0;
  let now = NOW;
  for (let n = 0; n < 200; n++) {
    now += 6_000;
    const request = { direction: 'outbound', length: 3, exclude: [], pool: 0, order: 1 } as const;
    const hops = rig.peering.chooseHops(request, rig.office.sessions, now)?.map(({ hash }) => hash) ?? [];
    const [neighbour = rig.self] = hops;
    if (neighbour === bad) through++;
    const answered = neighbour !== bad;
    rig.peering.buildEnded({ kind: 'buildEnded', neighbour, hops, answered, started: now }, now + 2_000);
  }
  t.true(through <= 12, `${through} of 200 builds through it in 20 minutes`);
  const blamed = routers.filter(({ hash }) => (rig.counts(hash).buildTimeout ?? 0) > 0);
  t.deepEqual(
    blamed.map(({ hash }) => hash),
    [bad],
  );
});

test('Destinations begin their tunnels at first hops of their own, while there are enough', (t) => {
  const rig = new Rig();
  const near = rig.know(70).slice(0, 24);
  rig.connectPlanned(...near);
  const names = [1, 2, 3, 4];
  rig.pools.clear();
  for (const name of names) rig.pools.add(name);
  const used = new Map(names.map((name) => [name, new Set<string>()]));
  for (let n = 0; n < 240; n++) {
    const pool = names[n % names.length] ?? 0;
    const request = { direction: 'inbound', length: 3, exclude: [], pool, order: 1 } as const;
    const next = rig.peering.chooseHops(request, rig.office.sessions, NOW + n * 10_000)?.at(-1)?.hash;
    if (next !== undefined) used.get(pool)?.add(next);
  }
  const all = [...used.values()].flatMap((hashes) => [...hashes]);
  t.is(new Set(all).size, all.length, 'no first hop has met two of them');
  for (const hashes of used.values()) t.true(hashes.size >= 3, `${hashes.size}`);
});

test('rows that changed are written once, and read back they say the same', (t) => {
  const { rig, peer } = lonely();
  rig.connect(peer);
  rig.peering.hop(peer.hash, 'accepted', NOW);
  const rows = rig.rows();
  t.deepEqual(
    rows.map((row) => row.kind === 'persist' && [row.table, row.key]),
    [['profile', peer.hash]],
  );
  t.deepEqual(rig.rows(), []);
  const again = new Rig();
  const profiles = rows.flatMap((row) => (row.kind === 'persist' ? [row] : []));
  again.peering.load({ profiles, firstHops: [] }, NOW);
  t.deepEqual(again.counts(peer.hash), { connected: 1, established: 1, accepted: 1 });
  t.deepEqual(again.rows(), []);
});

test('damaged rows and profiles of long ago are forgotten on disk too', (t) => {
  const { rig, peer } = lonely();
  const damaged = someHash('damaged');
  rig.peering.load({ profiles: [{ key: damaged, value: Buffer.of(1, 2, 3) }], firstHops: [] }, NOW);
  t.deepEqual(rig.rows(), [{ kind: 'forget', table: 'profile', key: damaged }]);
  rig.peering.hop(peer.hash, 'accepted', NOW);
  rig.rows();
  t.deepEqual(rig.rows(NOW + PROFILE_TTL - 1), []);
  t.deepEqual(rig.rows(NOW + PROFILE_TTL + 3_600_000), [
    { kind: 'forget', table: 'profile', key: peer.hash },
  ]);
});

test('only routers that a tunnel could go through count as usable', (t) => {
  const rig = new Rig();
  rig.know(3);
  rig.know(1, { caps: 'ORH' });
  t.is(rig.store.size, 4);
  t.is(rig.peering.usable(), 3);
});

test('what fails while nobody is heard is written into no profile, nor what Tor says of itself', (t) => {
  const rig = new Rig();
  const peers = rig.know(3) as [RouterInfo, RouterInfo, RouterInfo];
  const [quiet, circuit, heard] = peers;
  rig.peering.down(quiet.hash, DIAL('timeout'), NOW - HEARD_WITHIN - 1, NOW);
  rig.peering.down(quiet.hash, DIAL('refused'), Number.NEGATIVE_INFINITY, NOW);
  rig.peering.down(circuit.hash, DIAL('circuit'), NOW, NOW);
  t.deepEqual([rig.counts(quiet.hash), rig.counts(circuit.hash), rig.rows()], [{}, {}, []]);
  t.deepEqual(rig.plan(), [heard.hash], 'they rest all the same');
  rig.peering.down(heard.hash, DIAL('timeout'), NOW - HEARD_WITHIN, NOW);
  t.deepEqual(rig.counts(heard.hash), { connectFailed: 1 });
});

test('forgiving comes more and more rarely while nobody lets us in, and never for those who said no', (t) => {
  const rig = new Rig();
  const [silent, banned] = rig.know(2) as [RouterInfo, RouterInfo];
  rig.peering.down(banned.hash, SESSION({ stage: 'accepted', code: 'terminated', reason: 17 }), NOW, NOW);
  let dialled = 0;
  for (let at = NOW; at < NOW + 3_600_000; at += 1_000) {
    for (const hash of rig.plan(at)) {
      t.is(hash, silent.hash);
      dialled++;
      rig.peering.down(hash, DIAL('refused'), Number.NEGATIVE_INFINITY, at);
    }
  }
  t.true(dialled >= 3_600_000 / FORGIVE_AFTER_MAX, `${dialled} dials`);
  t.true(dialled < 40, `${dialled} dials, every ${FORGIVE_AFTER} ms would be 180`);
});

test('alone for long while Tor answers is stranded, once in a while; without Tor it is not', (t) => {
  const offline = new Rig();
  const [peer] = offline.know(1) as [RouterInfo];
  offline.plan(NOW);
  offline.peering.down(peer.hash, DIAL('timeout'), Number.NEGATIVE_INFINITY, NOW + 1);
  t.false(offline.peering.stranded(NOW + 10 * STRANDED_AFTER));
  const rig = new Rig();
  const [dead] = rig.know(1) as [RouterInfo];
  rig.plan(NOW);
  rig.peering.down(dead.hash, DIAL('refused'), Number.NEGATIVE_INFINITY, NOW + 1);
  t.false(rig.peering.stranded(NOW + STRANDED_AFTER - 1));
  t.true(rig.peering.stranded(NOW + STRANDED_AFTER));
  t.false(rig.peering.stranded(NOW + STRANDED_AFTER + 1));
  t.true(rig.peering.stranded(NOW + 2 * STRANDED_AFTER));
  rig.connect(dead);
  rig.plan(NOW + 2 * STRANDED_AFTER + 1);
  t.false(rig.peering.stranded(NOW + 9 * STRANDED_AFTER));
});
