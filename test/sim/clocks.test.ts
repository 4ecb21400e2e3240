import test from 'ava';
import { SimFetch } from '../support/sim-apps.ts';
import { counted, OTHER, outcomes, PROXY, READY_WITHIN, rig } from './rig.ts';

const SECOND = 1_000;

test('routers whose clocks are half a minute off are no trouble, nor is a client of that kind', (t) => {
  const { net, client, fetch, to } = rig({
    seed: 'half a minute',
    clockOffset: (index) => (index % 5 === 4 ? 30 * SECOND * (index % 2 === 0 ? 1 : -1) : 0),
  });
  t.deepEqual(outcomes(net, [fetch(300_000)], 60_000), ['whole']);
  t.is(counted(client.status.sessions.counters, /skew/), 0);
  t.is(client.status.sessions.connected, 22, 'all of them are connected');
  const late = net.addClient('late', 30 * SECOND);
  net.openDestination(late, OTHER, false);
  t.true(net.run(READY_WITHIN, () => late.ready.has(OTHER)));
  const page = new SimFetch({ from: late, destination: OTHER, to, download: 20_000 });
  t.deepEqual(outcomes(net, [page], 60_000), ['whole']);
});

for (const [name, offset] of [
  ['ahead', 300 * SECOND],
  ['behind', -300 * SECOND],
] as const) {
  test(`a router whose clock is five minutes ${name} connects to nobody and says why`, (t) => {
    const { net, to } = rig({ seed: `five minutes ${name}` });
    const wrong = net.addClient('wrong', offset);
    net.openDestination(wrong, OTHER, false);
    net.run(60_000);
    t.is(wrong.status.sessions.connected, 0);
    t.false(wrong.ready.has(OTHER));
    t.true(
      counted(wrong.status.sessions.counters, /skew/) >= 5,
      JSON.stringify(wrong.status.sessions.counters),
    );
    // what the peers say is enough to put it right, as the host does
    const skew = wrong.node.clockSkew;
    t.true(skew !== undefined && Math.abs(skew + offset) < 2 * SECOND, `${skew} ms`);
    wrong.clockOffset += Math.round(skew ?? 0);
    wrong.input({ kind: 'clockMoved', by: Math.round(skew ?? 0) });
    t.true(
      net.run(120_000, () => wrong.ready.has(OTHER)),
      JSON.stringify(wrong.status.sessions),
    );
    const page = new SimFetch({ from: wrong, destination: OTHER, to, download: 20_000 });
    t.deepEqual(outcomes(net, [page], 60_000), ['whole']);
  });
}

const HOUR = 3_600 * SECOND;
for (const by of [-2 * HOUR, 8 * HOUR]) {
  test(`a machine whose clock was wrong and is set by ${by / HOUR} h begins at once`, (t) => {
    const { net, to } = rig({ seed: `set by ${by}` });
    const router = net.addClient('set', -by);
    net.openDestination(router, OTHER, false);
    net.run(20 * 60_000);
    t.is(router.status.sessions.connected, 0);
    router.clockOffset = 0;
    router.input({ kind: 'clockMoved', by });
    net.reseed(router);
    t.true(
      net.run(2 * READY_WITHIN, () => router.ready.has(OTHER)),
      JSON.stringify(router.status.sessions),
    );
    const page = new SimFetch({ from: router, destination: OTHER, to, download: 20_000 });
    t.deepEqual(outcomes(net, [page], 60_000), ['whole']);
  });

  test(`a clock that steps by ${by / HOUR} h and back stops a working router for no longer than that`, (t) => {
    const { net, client, fetch } = rig({ seed: `step by ${by}` });
    t.deepEqual(outcomes(net, [fetch(20_000)], 60_000), ['whole']);
    client.clockOffset = by;
    client.input({ kind: 'clockMoved', by });
    net.run(10 * 60_000);
    t.false(client.ready.has(PROXY));
    client.clockOffset = 0;
    client.input({ kind: 'clockMoved', by: -by });
    net.reseed(client);
    t.true(
      net.run(2 * READY_WITHIN, () => client.ready.has(PROXY)),
      JSON.stringify(client.status.sessions),
    );
    t.deepEqual(outcomes(net, [fetch(20_000, { seed: 2 })], 60_000), ['whole']);
  });
}

test('a few routers with wrong clocks are left out, and the rest goes on without them', (t) => {
  const { net, client, fetch } = rig({
    seed: 'few wrong',
    routers: 24,
    clockOffset: (index) => (index >= 20 ? 300 * SECOND : 0),
  });
  t.deepEqual(outcomes(net, [fetch(200_000)], 60_000), ['whole']);
  t.is(client.status.sessions.connected, 20);
  t.true(Math.abs(client.node.clockSkew ?? Number.NaN) < 2 * SECOND, 'the median believes the many');
});
