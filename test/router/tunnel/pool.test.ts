import { I2NP_TYPE } from '@allium/router/i2np/message.ts';
import { FIRST_HOP_INTERVAL, MAX_CONCURRENT_BUILDS } from '@allium/router/tunnel/build-pacer.ts';
import { BUILD_TIMEOUT } from '@allium/router/tunnel/builder.ts';
import { EXPLORATORY } from '@allium/router/tunnel/pool-id.ts';
import type { PoolConfig } from '@allium/router/tunnel/tunnel-io.ts';
import type { RouterHash } from '@allium/router/wire/hash.ts';
import test from 'ava';
import { SimNetwork, START } from './sim-network.ts';

const of = (length: number, quantity: number): PoolConfig => ({
  inbound: { length, quantity },
  outbound: { length, quantity },
});

function started(seed: string, size: number, length: number, quantity: number): SimNetwork {
  const net = new SimNetwork(seed, size);
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(length, quantity) });
  net.run(30_000);
  return net;
}

const alive = (net: SimNetwork) => {
  const pool = net.me.core.status().pools.get(EXPLORATORY);
  return { inbound: pool?.inbound.alive ?? 0, outbound: pool?.outbound.alive ?? 0 };
};

test('for an hour there is always a lease, replacements come in time, and no more builds than needed', (t) => {
  const net = started('hour', 20, 2, 3);
  for (let minute = 0; minute < 60; minute++) {
    net.run(60_000);
    const leases = net.me.core.leases(EXPLORATORY, net.now);
    t.true(leases.length >= 3, `minute ${minute}: ${leases.length} leases`);
    t.true(leases.every(({ expires }) => expires > net.now && expires <= net.now + 600_000));
    t.true((leases[0]?.expires ?? 0) - net.now > 90_000, 'one of them has time left');
    t.truthy(net.me.core.pair(EXPLORATORY, net.now));
  }
  // Six tunnels, each replaced 150 to 195 s before its end: 9 or so generations in an hour.
  const builds = net.counter('buildsStarted');
  t.true(builds <= 6 * 10 + 4, `${builds} builds`);
  t.is(net.counter('buildsTimedOut'), 0);
  t.is(net.counter('testsLost'), 0);
  t.true(net.counter('testsPassed') > 60 * 3);
});

test('tunnels built together are not replaced together', (t) => {
  const net = started('spread', 20, 2, 6);
  net.requests.length = 0;
  net.run(480_000);
  const times = net.requests.filter(({ direction }) => direction === 'outbound').map(({ at }) => at);
  t.true(times.length >= 6);
  t.true(Math.max(...times) - Math.min(...times) > 8000);
});

test('expired tunnels are gone after a sleep of an hour, and the pool comes up again', (t) => {
  const net = started('sleep', 12, 2, 2);
  net.now += 3_600_000;
  net.step(net.me, { kind: 'tick' });
  const last = net.found('poolChanged').at(-1);
  t.false(last?.ready);
  t.deepEqual(last?.leases, []);
  net.run(30_000);
  t.true(net.found('poolChanged').at(-1)?.ready);
});

test('when nobody answers, builds are few and get rarer, and each is told of', (t) => {
  const net = new SimNetwork('silence', 12);
  net.filter = () => undefined;
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(3, 3) });
  net.run(3_600_000);
  const started = net.counter('buildsStarted');
  t.true(started < 90, `${started} builds in an hour of silence`);
  t.true(net.requests.every(({ direction, length }) => direction === 'inbound' && length === 1));
  t.is(net.found('buildEnded').length, net.counter('buildsTimedOut'));
  t.true(
    net.found('buildEnded').every(({ answered, hops, neighbour }) => !answered && hops[0] === neighbour),
  );
  const first = net.requests.filter(({ at }) => at < START + 300_000).length;
  const last = net.requests.filter(({ at }) => at > START + 3_300_000).length;
  t.true(last < first, `${first} in the first five minutes, ${last} in the last`);
  net.filter = (_from, _to, message) => message;
  net.run(120_000);
  t.true(net.found('poolChanged').at(-1)?.ready, 'and the first success ends the pause');
});

test('a build is given up after the timeout, not before', (t) => {
  const net = new SimNetwork('timeout', 8);
  net.filter = () => undefined;
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(2, 1) });
  net.run(BUILD_TIMEOUT - 1);
  t.is(net.counter('buildsTimedOut'), 0);
  net.run(1);
  t.true(net.counter('buildsTimedOut') > 0);
});

test('one first hop gets a build message every few seconds at most', (t) => {
  const net = new SimNetwork('pace', 12);
  const sent = new Map<string, number[]>();
  net.sessions.clear();
  for (const { hash } of net.others.slice(0, 2)) net.sessions.add(hash);
  net.filter = (from, to, message) => {
    if (from === net.me.hash && message.type === I2NP_TYPE.shortTunnelBuild) {
      sent.set(to, [...(sent.get(to) ?? []), net.now]);
    }
    return message;
  };
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(2, 6) });
  for (let i = 0; i < 3; i++) net.step(net.me, { kind: 'createPool', pool: 1 + i, config: of(3, 3) });
  net.run(120_000);
  t.is(sent.size, 2);
  for (const times of sent.values()) {
    for (const [at, time] of times.slice(1).entries()) {
      t.true(time - (times[at] ?? 0) >= FIRST_HOP_INTERVAL, `${time - (times[at] ?? 0)} ms`);
    }
  }
  for (const pool of net.me.core.status().pools.values()) {
    t.is(pool.outbound.alive >= pool.outbound.wanted, true);
    t.is(pool.inbound.alive >= pool.inbound.wanted, true);
  }
});

test('builds under way are bounded over all pools', (t) => {
  const net = new SimNetwork('bound', 40);
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(2, 4) });
  for (let i = 0; i < 20; i++) net.step(net.me, { kind: 'createPool', pool: 1 + i, config: of(2, 4) });
  let most = 0;
  for (let i = 0; i < 200; i++) {
    net.run(100);
    const pools = [...net.me.core.status().pools.values()];
    const building = pools.reduce((sum, pool) => sum + pool.inbound.building + pool.outbound.building, 0);
    most = Math.max(most, building);
    t.true(building <= MAX_CONCURRENT_BUILDS);
  }
  t.true(most > 1);
});

test('builds that lean on a lost session fail at once', (t) => {
  const net = new SimNetwork('lean', 8);
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(2, 2) });
  for (const { hash } of net.others) net.hangUp(hash);
  t.true(net.counter('buildsPeerDown') > 0);
  t.is(net.me.core.status().pools.get(EXPLORATORY)?.inbound.building, 0);
  t.is(net.counter('buildsTimedOut'), 0);
});

test('without hops the core waits, and a new session ends the wait at once', (t) => {
  const net = new SimNetwork('wait', 8);
  const peers = [...net.sessions];
  net.sessions.clear();
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(2, 2) });
  net.run(60_000);
  t.is(net.counter('buildsStarted'), 0);
  t.true(net.counter('buildsNoHops') > 5 && net.counter('buildsNoHops') < 40);
  for (const peer of peers) net.sessions.add(peer);
  for (const router of peers) net.step(net.me, { kind: 'peerUp', router });
  t.true(net.counter('buildsStarted') > 0);
});

test('declines are told by code and counted', (t) => {
  const closed = new SimNetwork('closed', 8, false);
  closed.step(closed.me, { kind: 'createPool', pool: EXPLORATORY, config: of(1, 2) });
  closed.run(20_000);
  t.true(closed.counter('buildsDeclined') > 0);
  t.is(closed.counter('declined30'), closed.counter('buildsDeclined'));
  t.true(closed.found('hopResult').every(({ result, code }) => result === 'declined' && code === 30));
  t.is(closed.counter('buildsAccepted'), 0);
});

test('a tunnel that loses messages fails two tests and is replaced; the hops are told', (t) => {
  const net = started('sick', 60, 2, 2);
  const lease = net.me.core.leases(EXPLORATORY, net.now)[0];
  // The gateway of one inbound tunnel swallows everything that is for this tunnel.
  net.filter = (_from, to, message) => {
    const id = Buffer.from(message.payload.subarray(0, 4)).readUInt32BE(0);
    const swallowed =
      message.type === I2NP_TYPE.tunnelGateway && to === lease?.gateway && id === lease.tunnelId;
    return swallowed ? undefined : message;
  };
  net.run(180_000);
  t.true(net.counter('tunnelsTestFailed') >= 1);
  t.true(net.counter('tunnelsTestFailed') <= 2, 'the partner does not fall with it, or at most one');
  t.false(net.me.core.leases(EXPLORATORY, net.now).some(({ tunnelId }) => tunnelId === lease?.tunnelId));
  t.true(
    net.found('hopResult').some(({ router, result }) => router === lease?.gateway && result === 'testFailed'),
  );
  t.true(alive(net).inbound >= 2);
});

test('outbound tunnels that are dead, when no inbound one is left to test them, do not swallow every build', (t) => {
  const net = new SimNetwork('lean5', 16);
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(2, 2) });
  const [near, far] = [new Set<RouterHash>(), new Set<RouterHash>()];
  const dead = new Set<number>();
  net.filter = (from, to, message) => {
    if (message.type !== I2NP_TYPE.tunnelData) return message;
    if (to === net.me.hash) near.add(from);
    if (from !== net.me.hash) return message;
    far.add(to);
    dead.add(Buffer.from(message.payload).readUInt32BE(0));
    return message;
  };
  net.run(90_000);
  t.true(net.found('poolChanged').at(-1)?.ready);
  net.filter = (from, _to, message) => {
    const swallowed = message.type === I2NP_TYPE.tunnelData && from === net.me.hash;
    return swallowed && dead.has(Buffer.from(message.payload).readUInt32BE(0)) ? undefined : message;
  };
  for (const peer of near) if (!far.has(peer)) net.hangUp(peer);
  const change = net.found('poolChanged').at(-1);
  t.true(change?.inbound === 0 && change.outbound > 0, 'only outbound tunnels are left');
  net.run(120_000);
  t.true(net.found('poolChanged').at(-1)?.ready);
});

test('hops that make no tunnel are not used', (t) => {
  for (const make of [
    (net: SimNetwork) => [{ hash: net.me.hash, publicKey: net.me.keys.publicKey }],
    (net: SimNetwork) =>
      net.others.slice(0, 2).map(({ hash, keys }) => ({ hash, publicKey: keys.publicKey })),
    (net: SimNetwork) => net.others.slice(0, 1).map(({ hash }) => ({ hash, publicKey: Buffer.alloc(32) })),
  ]) {
    const net = new SimNetwork('bad', 5);
    net.choose = () => make(net);
    net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(3, 1) });
    net.run(10_000);
    t.is(net.counter('buildsStarted'), 0);
    t.true(net.counter('buildsBadHops') > 0);
    t.true(net.counter('buildsBadHops') < 10);
  }
});

test('extra ticks, late ticks and equal inputs change nothing', (t) => {
  const run = (ticks: number) => {
    const net = new SimNetwork('ticks', 10);
    net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(2, 2) });
    for (let i = 0; i < 60; i++) {
      for (let tick = 0; tick < ticks; tick++) net.step(net.me, { kind: 'tick' });
      net.run(5000);
    }
    return net.me.core.status();
  };
  t.deepEqual(run(0), run(0));
  t.deepEqual(run(4).pools, run(0).pools);
});
