import test from 'ava';
import { counted, outcomes, PROXY, rig } from './rig.ts';

test('links that go dumb without being closed are left for new ones within minutes', (t) => {
  const { net, client, fetch } = rig({ seed: 'silence' });
  t.deepEqual(outcomes(net, [fetch(10_000)], 60_000), ['whole']);
  net.links.stall(client, 3_600_000);
  t.true(
    net.run(600_000, () => counted(client.status.sessions.counters, /^closed-silent$/) > 0),
    JSON.stringify(client.status.sessions.counters),
  );
  // each dumb session goes when it has lost two builds or tests, so the last one goes minutes after the first
  t.true(net.run(600_000, () => client.ready.has(PROXY)));
  t.deepEqual(outcomes(net, [fetch(10_000)], 120_000), ['whole']);
});
