import test from 'ava';
import { SimFetch } from '../support/sim-apps.ts';
import { counted, OTHER, outcome, outcomes, PROXY, READY_WITHIN, rig, SITE } from './rig.ts';

test('links that break at random cost a transfer time, not bytes', (t) => {
  const { net, client, fetch } = rig({ seed: 'breaks', latency: 40, bandwidth: 80_000 });
  const transfer = fetch(1_500_000);
  const breaking = (): void => {
    net.links.breakSome(0.02);
    if (!transfer.over) net.time.after(2_000, breaking);
  };
  breaking();
  t.deepEqual(outcomes(net, [transfer], 240_000), ['whole']);
  const broken = [client, ...net.routers].map(({ status }) =>
    counted(status.sessions.counters, /peer-closed/),
  );
  t.true(broken.reduce((sum, count) => sum + count, 0) > 20, 'many did break');
  t.true(transfer.longestPause < 20_000, `${transfer.longestPause} ms without data`);
});

test('links that stand still for seconds, again and again, only slow a transfer down', (t) => {
  const { net, fetch } = rig({ seed: 'stalls', latency: 40 });
  const transfer = fetch(1_500_000);
  const stalling = (): void => {
    net.links.stallSome(0.15, 4_000);
    if (!transfer.over) net.time.after(6_000, stalling);
  };
  stalling();
  t.deepEqual(outcomes(net, [transfer], 240_000), ['whole']);
  t.true(transfer.longestPause < 20_000, `${transfer.longestPause} ms without data`);
});

for (const dialLoss of [0.1, 0.3]) {
  test(`with ${100 * dialLoss} % of dials failing a router still becomes ready and works`, (t) => {
    const { net, client, fetch } = rig({ seed: `dial loss ${dialLoss}`, dialLoss, latency: 40 });
    t.deepEqual(outcomes(net, [fetch(300_000)], 120_000), ['whole']);
    t.true(dialLoss < 0.3 || counted(client.status.sessions.counters, /^dial-|peer-closed/) > 0);
    // what failed is tried again: in the end nearly everybody is connected
    net.run(4 * 60_000);
    t.true(client.status.sessions.connected >= 17, `${client.status.sessions.connected} of 22`);
  });
}

test('a third of all routers die one after another during a transfer, and it arrives', (t) => {
  const { net, client, server, fetch } = rig({ seed: 'dying', routers: 30, latency: 40, bandwidth: 60_000 });
  const transfer = fetch(2_500_000);
  net.run(60_000, () => transfer.received > 50_000);
  const doomed = net.routers.slice(5, 15);
  const dying = (): void => {
    const next = doomed.shift();
    if (!next) return;
    net.kill(next);
    net.time.after(6_000, dying);
  };
  dying();
  t.deepEqual(outcomes(net, [transfer], 600_000), ['whole']);
  t.is(doomed.length, 0, 'all of them died meanwhile');
  t.true(transfer.longestPause < 90_000, `${transfer.longestPause} ms without data`);
  // the dead are known for it: all tunnels stand again, and nothing is built through them for long
  net.run(120_000);
  for (const [router, pool] of [
    [client, PROXY],
    [server, SITE],
  ] as const) {
    const { inbound, outbound } = router.status.tunnels.pools.get(pool) ?? {};
    t.true(
      (inbound?.alive ?? 0) >= 2 && (outbound?.alive ?? 0) >= 2,
      JSON.stringify([...router.status.tunnels.pools]),
    );
  }
  t.deepEqual(outcomes(net, [fetch(50_000)], 60_000), ['whole']);
});

test('when most floodfills die, a published site is found again by who never asked for it', (t) => {
  const { net, server, to } = rig({ seed: 'floodfills', floodfills: 6, latency: 40 });
  const stranger = net.addClient('stranger');
  net.openDestination(stranger, OTHER, false);
  t.true(net.run(READY_WITHIN, () => stranger.ready.has(OTHER)));
  for (const floodfill of net.floodfills.slice(0, 4)) net.kill(floodfill);
  // all that had the LeaseSet may be among the dead, until it is published again after five minutes
  net.run(6 * 60_000);
  const first = new SimFetch({ from: stranger, destination: OTHER, to, download: 1_000 });
  t.deepEqual(outcomes(net, [first], 60_000), ['whole']);
  t.true(counted(server.status.netdb.counters, /timeout$/) > 0, 'the dead were asked too');
  net.run(15 * 60_000);
  const second = new SimFetch({ from: stranger, destination: OTHER, to, download: 1_000 });
  t.deepEqual(outcomes(net, [second], 45_000), ['whole']);
});

test('a site that does not exist is refused within half a minute, and the router goes on', (t) => {
  const { net, client, fetch } = rig({ seed: 'nobody' });
  const stranger = net.openDestination(client, OTHER, false);
  const nobody = new SimFetch({
    from: client,
    destination: PROXY,
    to: stranger.destination.hash,
    download: 1,
  });
  t.true(net.run(30_000, () => nobody.over));
  t.is(outcome(nobody), 'refused unreachable after 0 bytes');
  t.deepEqual(outcomes(net, [fetch(1_000)], 30_000), ['whole']);
});
