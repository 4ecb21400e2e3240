import type { RandomBytes } from '@allium/common/core/random.ts';
import test from 'ava';
import { outcomes, PROXY, READY_WITHIN, rig, SITE } from './rig.ts';

/** A fault that a test plants: it throws once, the `after`th time that random bytes are asked for. */
function planted(random: RandomBytes): { readonly random: RandomBytes; after: number } {
  const plant = { random: (n: number) => (--plant.after === 0 ? fail() : random(n)), after: 0 };
  return plant;
}

function fail(): never {
  throw new TypeError('planted');
}

test('a core that throws costs a link or a Destination, never the router', (t) => {
  const plants: ReturnType<typeof planted>[] = [];
  const { net, client, server, fetch } = rig({
    seed: 'faults',
    entropy: (name, random) => {
      if (!name.startsWith('client/')) return random;
      const plant = planted(random);
      plants.push(plant);
      return plant.random;
    },
  });
  const faults: unknown[] = [];
  client.onFault = (error) => faults.push(error);
  const [plant] = plants;
  if (!plant) return t.fail();
  for (let round = 0; round < 40; round++) {
    plant.after = 1 + round * 2;
    const page = fetch(30_000, { seed: round });
    net.run(40_000, () => page.over);
  }
  plant.after = 0;
  t.true(faults.length >= 15, `${faults.length} faults`);
  t.true(faults.every((fault) => fault instanceof TypeError && fault.message === 'planted'));
  t.true(
    net.run(2 * READY_WITHIN, () => client.ready.has(PROXY)),
    JSON.stringify(client.status.tunnels),
  );
  t.deepEqual(outcomes(net, [fetch(100_000)], 60_000), ['whole']);
  t.true(server.ready.has(SITE));
});

test('a Destination that is closed resets its streams, for both sides', (t) => {
  const { net, client, site, fetch } = rig({ seed: 'closed' });
  const page = fetch(5_000_000);
  t.false(net.run(1_500, () => page.over));
  t.true(page.received > 0 && !page.over);
  client.input({ kind: 'closeDestination', destination: PROXY });
  t.deepEqual(client.closed, [PROXY]);
  t.false(client.ready.has(PROXY));
  t.true(
    net.run(10_000, () => site.open === 0),
    'the site hears of it',
  );
  t.is(client.status.destinations.get(PROXY), undefined);
});

test('a site that is opened again after a fault, or after its clock went back, is served as before', (t) => {
  const plants: ReturnType<typeof planted>[] = [];
  const { net, server, site, fetch } = rig({
    seed: 'site',
    entropy: (name, random) => {
      if (!name.startsWith('server/')) return random;
      const plant = planted(random);
      plants.push(plant);
      return plant.random;
    },
  });
  server.onFault = () => {};
  const [plant] = plants;
  if (!plant) return t.fail();
  for (let round = 0; round < 12 && !server.closed.includes(SITE); round++) {
    plant.after = 1 + round;
    const page = fetch(30_000, { seed: round });
    net.run(40_000, () => page.over);
  }
  plant.after = 0;
  t.true(server.closed.includes(SITE), 'one of the faults hit the site');
  t.true(net.run(2 * READY_WITHIN, () => server.ready.has(SITE)));
  net.run(60_000);
  t.deepEqual(outcomes(net, [fetch(30_000)], 60_000), ['whole']);
  const visits = site.visits;
  for (const by of [-7_200_000, 7_200_000]) {
    server.clockOffset += by;
    server.input({ kind: 'clockMoved', by });
    net.run(60_000);
  }
  net.reseed(server);
  t.true(net.run(2 * READY_WITHIN, () => server.ready.has(SITE)));
  net.run(60_000);
  t.deepEqual(outcomes(net, [fetch(30_000)], 60_000), ['whole']);
  t.true(site.visits > visits);
});
