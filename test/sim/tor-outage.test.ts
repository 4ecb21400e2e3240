import test from 'ava';
import { counted, outcomes, PROXY, READY_WITHIN, rig, SITE } from './rig.ts';

const OUTAGE = 60_000;

for (const side of ['client', 'server'] as const) {
  test(`the ${side}’s Tor is away for a minute during a transfer: it goes on soon after`, (t) => {
    const network = rig({ seed: `tor ${side}`, latency: 40 });
    const { net, fetch } = network;
    const router = network[side];
    const pool = side === 'client' ? PROXY : SITE;
    const transfer = fetch(3_000_000);
    net.run(2_500);
    net.links.torAway(router);
    net.run(OUTAGE);
    t.is(router.status.stage, 'peers');
    t.false(router.ready.has(pool));
    t.is(net.links.count(router), 0);
    const dials = counted(router.status.sessions.counters, /^dial-proxy$/);
    t.true(dials > 20 && dials < 120, `${dials} dials in a minute: tried, not hammered`);
    net.links.torBack(router);
    t.true(
      net.run(10_000, () => router.ready.has(pool)),
      'tunnels stand within ten seconds',
    );
    t.deepEqual(outcomes(net, [transfer], 120_000), ['whole']);
    t.true(transfer.longestPause < OUTAGE + 15_000, `${transfer.longestPause} ms without data`);
    t.deepEqual(outcomes(net, [fetch(20_000)], READY_WITHIN), ['whole']);
    const { peers } = router.status;
    t.is(counted(peers, /^connectFailed/), 0, 'no peer is blamed for it');
  });
}

test('a node whose Tor is away wakes up by itself, even when nothing else ever happens', (t) => {
  const { net, client } = rig({ seed: 'silent outage' });
  net.links.torAway(client);
  for (let minute = 0; minute < 10; minute++) {
    const before = counted(client.status.sessions.counters, /^dial-proxy$/);
    net.run(60_000);
    t.true(counted(client.status.sessions.counters, /^dial-proxy$/) > before, `minute ${minute}`);
  }
  net.links.torBack(client);
  t.true(net.run(10_000, () => client.ready.has(PROXY)));
});
