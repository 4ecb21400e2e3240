import test from 'ava';
import { Census } from '../support/census.ts';
import { content, digestOf } from '../support/sim-apps.ts';
import { counted, outcomes, PROXY, rig, SITE } from './rig.ts';

const MINUTE = 60_000;
/** These fill up to a bound of their own that 40 minutes don't reach: 2,000 wanted keys, transit's message filter. */
const BOUNDED = /netdb\/intake\.ts|tunnel\/replay-filter\.ts/;

test('for 40 minutes a stream idles while tunnels come and go, then it goes on; nothing is lost, nothing grows', async (t) => {
  const census = new Census();
  const { net, client, server, site, to, fetch } = rig({
    seed: 'endurance',
    routers: 18,
    floodfills: 4,
    latency: 40,
  });
  const stream = client.connect(PROXY, to, 80);
  const received: Uint8Array[] = [];
  const over: string[] = [];
  client.handlers.set(PROXY, (event) => {
    if (event.stream !== stream) return;
    if (event.kind === 'data') {
      received.push(Uint8Array.from(event.bytes));
      const command = { kind: 'consumed', stream, bytes: event.bytes.length } as const;
      client.input({ kind: 'stream', destination: PROXY, command });
    } else if (event.kind !== 'opened') over.push(event.kind);
  });
  client.settle();
  const say = (bytes: Uint8Array): void =>
    client.input({ kind: 'stream', destination: PROXY, command: { kind: 'write', stream, bytes } });
  // half a request: the site waits for the rest of it
  const request = Buffer.alloc(8);
  request.writeUInt8(9, 0);
  request.writeUIntBE(200_000, 1, 4);
  say(request.subarray(0, 3));
  t.true(net.run(30_000, () => site.visits === 1));

  const samples: Record<string, number>[] = [];
  for (let minute = 1; minute <= 40; minute++) {
    net.run(MINUTE);
    for (const [router, pool] of [
      [client, PROXY],
      [server, SITE],
    ] as const) {
      const { inbound, outbound } = router.status.tunnels.pools.get(pool) ?? {};
      t.true((inbound?.alive ?? 0) >= 2 && (outbound?.alive ?? 0) >= 2, `minute ${minute}, ${pool}`);
      t.true((inbound?.alive ?? 9) <= 4 && (outbound?.alive ?? 9) <= 4, `minute ${minute}, ${pool}`);
    }
    t.deepEqual(over, [], `minute ${minute}`);
    // the same moment of a tunnel's life, three lives later
    if (minute === 10 || minute === 40) samples.push(await census.take());
  }

  say(request.subarray(3));
  t.true(net.run(60_000, () => received.reduce((sum, { length }) => sum + length, 0) >= 200_000));
  t.is(digestOf(Buffer.concat(received)), digestOf(content(9, 200_000)));
  t.deepEqual(outcomes(net, [fetch(10_000)], 20_000), ['whole'], 'and a new stream is as good');

  for (const router of [client, server]) {
    const { counters } = router.status.tunnels;
    const { buildsStarted = 0, buildsAccepted = 0, testsSent = 0, testsPassed = 0 } = counters;
    t.true(
      buildsAccepted >= buildsStarted - 1 && buildsStarted < 80,
      `${buildsAccepted} of ${buildsStarted} builds`,
    );
    t.true(testsPassed >= testsSent - 8, `${testsPassed} of ${testsSent} tests`);
    t.is(router.status.sessions.connected, 18, 'nobody was let go');
    t.true(router.status.sessions.open <= 20);
    t.is(counted(router.status.counters, /^dropped/), 0);
  }
  const dials = counted(client.status.sessions.counters, /^dial$/);
  t.true(dials < 40, `${dials} dials in 40 minutes: sessions are kept, not opened anew`);

  const [early = {}, late = {}] = samples;
  t.true(Object.keys(late).length > 40, 'the census saw everybody');
  const growing = Object.entries(late).filter(
    ([home, size]) => !BOUNDED.test(home) && size > (early[home] ?? 0) * 1.5 + 40,
  );
  t.deepEqual(growing, []);
});
