import test from 'ava';
import { HostileRouter, NoiseMaker } from '../support/sim-hostile.ts';
import { counted, outcomes, rig } from './rig.ts';

test('random bytes at every door throw nothing and cost nobody a transfer', (t) => {
  const { net, fetch } = rig({ seed: 'noise' });
  const noise = new NoiseMaker(net);
  net.addStranger(noise);
  const transfer = fetch(600_000);
  for (let round = 0; round < 10; round++) {
    for (const { host } of net.routers) if (host) noise.visit(host);
    net.run(1_500);
  }
  t.deepEqual(outcomes(net, [transfer], 60_000), ['whole']);
  net.run(60_000);
  t.true(noise.closed > 100, `${noise.closed} of its connections were closed`);
  for (const { status, name } of net.routers)
    t.true(status.sessions.open < 60, `${name}: ${status.sessions.open}`);
});

test('a router that says anything at all to everybody breaks nothing', (t) => {
  const { net, client, server, fetch } = rig({ seed: 'hostile' });
  const hostile = new HostileRouter(net);
  net.addStranger(hostile, hostile.routerInfo);
  for (const router of [client, server])
    router.input({ kind: 'reseeded', routerInfos: [hostile.routerInfo] });
  for (const router of net.routers) hostile.visit(router.ownInfo);
  t.true(
    net.run(30_000, () => hostile.victims >= 20),
    `${hostile.victims} sessions`,
  );
  const talking = (): void => {
    hostile.speak();
    net.time.after(100, talking);
  };
  talking();
  t.deepEqual(outcomes(net, [fetch(600_000), fetch(50_000, { upload: 200_000 })], 180_000), [
    'whole',
    'whole',
  ]);
  net.run(60_000);
  t.deepEqual(outcomes(net, [fetch(100_000)], 120_000), ['whole']);
  t.true(hostile.sent > 10_000, `${hostile.sent} messages`);
  const refused = net.routers.reduce(
    (sum, { status }) => sum + counted(status.messages, /^(bad|refused|garlic)/),
    0,
  );
  t.true(refused > 500, `${refused} of them were refused by name`);
  t.is(client.status.stage, 'ready');
});
