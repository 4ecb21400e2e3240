import test from 'ava';
import { SimFetch, SimSite } from '../support/sim-apps.ts';
import { counted, outcome, outcomes, PROXY, READY_WITHIN, rig, SITE } from './rig.ts';

for (const identity of ['same', 'new'] as const) {
  test(`a server that is killed and comes back with the ${identity} router identity is found again by who knew it`, (t) => {
    const { net, server, to, fetch } = rig({ seed: `server ${identity}`, latency: 40 });
    const before = fetch(2_000_000);
    t.true(net.run(10_000, () => before.received > 0));
    t.is(outcome(before), `open  after ${before.received} bytes`);
    net.kill(server);
    net.run(3_000);
    net.restart(server, identity);
    t.is(net.openDestination(server, SITE, true).destination.hash, to);
    t.true(
      net.run(READY_WITHIN, () => server.ready.has(SITE)),
      'from what its disk holds, without a reseed',
    );
    const site = new SimSite(server, SITE);
    // the client's leases and its session are those of the dead router: it has to notice
    const after = fetch(30_000);
    t.deepEqual(outcomes(net, [after], 60_000), ['whole']);
    t.true(after.took < 30_000, `${after.took} ms`);
    t.deepEqual(outcomes(net, [fetch(30_000)], 8_000), ['whole'], 'and then it is as quick as ever');
    t.is(site.visits, 2);
    // the stream of before is dead, and its owner is told
    t.true(net.run(240_000, () => before.over));
    t.regex(outcome(before), /^reset (peer|timeout)/);
  });

  test(`a client that is killed during a transfer and comes back with the ${identity} identity works at once`, (t) => {
    const { net, client, server, site, fetch } = rig({ seed: `client ${identity}`, latency: 40 });
    fetch(5_000_000);
    net.run(3_000);
    net.kill(client);
    net.run(1_000);
    const rows = client.disk.router_info.size;
    t.true(rows >= 20, `${rows} RouterInfos were on disk`);
    net.restart(client, identity);
    net.openDestination(client, PROXY, false);
    t.true(net.run(READY_WITHIN, () => client.ready.has(PROXY)));
    t.is(counted(client.status.netdb.counters, /^load-added/), rows);
    const after = fetch(300_000);
    t.deepEqual(outcomes(net, [after], 30_000), ['whole']);
    t.true(after.openedAt - after.startedAt < 5_000, `${after.openedAt - after.startedAt} ms to open`);
    // the server gives the old stream up; nothing of it stays
    t.true(net.run(300_000, () => site.broken > 0));
    net.run(30_000);
    t.is(server.status.destinations.get(SITE)?.streams, 0);
  });
}

test('kill -9 at random moments, ten times: what is on disk is always enough to come back', (t) => {
  const { net, client, to } = rig({ seed: 'kills', latency: 40 });
  const moments = net.entropy('moments');
  for (let i = 0; i < 10; i++) {
    net.run(Buffer.from(moments(2)).readUInt16BE() / 4);
    net.kill(client);
    net.run(500);
    net.restart(client);
    // some runs are too short to become ready: that is the point
    net.openDestination(client, PROXY, false);
    if (i % 3 === 0) {
      t.true(
        net.run(READY_WITHIN, () => client.ready.has(PROXY)),
        `after kill ${i}`,
      );
      const page = new SimFetch({ from: client, destination: PROXY, to, download: 10_000 });
      t.deepEqual(outcomes(net, [page], 20_000), ['whole']);
    }
    t.is(counted(client.status.netdb.counters, /^load-(damaged|foreign)/), 0);
  }
  t.is(client.status.netdb.routers, 22);
});

test('a router whose disk is empty asks for a reseed, and works once it has one', (t) => {
  const { net, client, to } = rig({ seed: 'empty', latency: 40 });
  net.kill(client);
  client.disk.router_info.clear();
  client.disk.profile.clear();
  const before = client.reseedsWanted;
  net.restart(client, 'new');
  net.openDestination(client, PROXY, false);
  net.run(90_000);
  t.is(client.status.stage, 'tor');
  t.is(client.reseedsWanted, before + 2, 'at once, and again after a minute');
  net.reseed(client);
  t.true(net.run(READY_WITHIN, () => client.ready.has(PROXY)));
  t.deepEqual(
    outcomes(net, [new SimFetch({ from: client, destination: PROXY, to, download: 100 })], 20_000),
    ['whole'],
  );
});

test('half of the listening routers are restarted one by one, and nobody behind Tor loses more than a moment', (t) => {
  const { net, client, fetch } = rig({ seed: 'rolling', latency: 40, bandwidth: 60_000 });
  const transfer = fetch(2_000_000);
  t.true(net.run(10_000, () => transfer.received > 0));
  for (const router of net.routers.slice(6, 17)) {
    net.kill(router);
    net.run(4_000);
    net.restart(router);
  }
  t.deepEqual(outcomes(net, [transfer], 300_000), ['whole']);
  t.true(transfer.longestPause < 90_000, `${transfer.longestPause} ms without data`);
  net.run(180_000);
  t.true(client.status.sessions.connected >= 20, 'and all of them are connected again');
});
