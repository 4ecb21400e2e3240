import test from 'ava';
import { content, digestOf, SimFetch, SimSite } from '../support/sim-apps.ts';
import { OTHER, outcome, outcomes, PROXY, READY_WITHIN, rig, SITE } from './rig.ts';

test('a client and a server behind Tor find each other through 22 routers and exchange pages', (t) => {
  const { net, client, server, site, fetch } = rig({ seed: 'pages' });
  for (let i = 0; i < 5; i++) {
    const page = fetch(3_000 * i, { seed: i, upload: 500 * i });
    t.deepEqual(outcomes(net, [page], 30_000), ['whole']);
    t.true(page.took < 5_000, `page ${i} took ${page.took} ms`);
  }
  t.is(site.visits, 5);
  t.is(site.broken, 0);
  t.deepEqual(
    site.uploads,
    [1, 2, 3, 4].map((i) => digestOf(content(i, 500 * i))),
  );
  for (const router of [client, server]) {
    t.is(router.status.stage, 'ready');
    t.deepEqual(router.status.messages, {}, 'nothing came that was not wanted');
  }
});

test('megabytes arrive whole in both directions at once', (t) => {
  const { net, site, fetch } = rig({ seed: 'megabytes' });
  const [down, up, both] = [
    fetch(5_000_000),
    fetch(10, { upload: 1_000_000 }),
    fetch(1_500_000, { seed: 3, upload: 500_000 }),
  ];
  t.deepEqual(outcomes(net, [down, up, both], 120_000), ['whole', 'whole', 'whole']);
  t.deepEqual(
    site.uploads.toSorted(),
    [digestOf(content(1, 1_000_000)), digestOf(content(3, 500_000))].toSorted(),
  );
  t.true(down.took < 60_000, `3 MB took ${down.took} ms`);
});

test('20 streams at once all arrive, and none starves', (t) => {
  const { net, client, server, fetch } = rig({ seed: 'parallel' });
  const fetches = Array.from({ length: 20 }, (_, i) => fetch(120_000, { seed: i }));
  t.is(client.status.destinations.get(PROXY)?.streams, 20);
  t.deepEqual(new Set(outcomes(net, fetches, 120_000)), new Set(['whole']));
  const slowest = Math.max(...fetches.map(({ took }) => took));
  const fastest = Math.min(...fetches.map(({ took }) => took));
  t.true(slowest < 30_000 && slowest < 5 * fastest, `${fastest} to ${slowest} ms`);
  net.run(60_000);
  t.is(client.status.destinations.get(PROXY)?.streams, 0, 'and nothing is left of them');
  t.is(server.status.destinations.get(SITE)?.streams, 0);
});

for (const latency of [20, 100, 250]) {
  test(`links of ${latency} to ${2 * latency} ms are slower, not worse`, (t) => {
    const { net, client, fetch } = rig({ seed: `latency ${latency}`, latency, routers: 20 });
    const page = fetch(20_000);
    t.deepEqual(outcomes(net, [page], 120_000), ['whole']);
    // out and back over six links, four round trips at most, and the LeaseSet lookup before them
    t.true(page.took < 2_000 + latency * 2 * 12 * 6, `${page.took} ms`);
    t.deepEqual(outcomes(net, [fetch(400_000)], 300_000), ['whole']);
    t.is(client.status.tunnels.counters.buildsTimedOut, 0);
  });
}

test('a server and a client on the same router meet through tunnels like strangers', (t) => {
  const { net, server, to } = rig({ seed: 'same router' });
  net.openDestination(server, OTHER, false);
  t.true(net.run(READY_WITHIN, () => server.ready.has(OTHER)));
  const fetch = new SimFetch({ from: server, destination: OTHER, to, download: 300_000 });
  t.deepEqual(outcomes(net, [fetch], 60_000), ['whole']);
  t.true(fetch.took > 500, 'six links lie between, twice');
});

test('two Destinations of one router share neither tunnels nor streams nor fate', (t) => {
  const { net, client, server, to, fetch } = rig({ seed: 'two' });
  const second = net.openDestination(client, OTHER, true);
  t.true(net.run(READY_WITHIN, () => client.ready.has(OTHER)));
  new SimSite(client, OTHER);
  net.run(6_000);
  const [first, other] = [
    fetch(600_000),
    new SimFetch({ from: client, destination: OTHER, to, download: 600_000 }),
  ];
  net.run(1_500);
  t.is(client.status.destinations.get(PROXY)?.streams, 1);
  t.is(client.status.destinations.get(OTHER)?.streams, 1);
  client.input({ kind: 'closeDestination', destination: PROXY });
  t.deepEqual([...client.status.destinations.keys()], [OTHER]);
  t.false(client.status.tunnels.pools.has(PROXY));
  t.deepEqual(outcomes(net, [other], 60_000), ['whole']);
  t.is(outcome(first), `reset closed after ${first.received} bytes`);
  const back = new SimFetch({
    from: server,
    destination: SITE,
    to: second.destination.hash,
    download: 50_000,
  });
  t.deepEqual(outcomes(net, [back], 60_000), ['whole'], 'the other is still found, by its own name');
});
