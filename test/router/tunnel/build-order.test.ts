import {
  BuildPacer,
  MAX_CONCURRENT_BUILDS,
  MIN_CONCURRENT_BUILDS,
} from '@allium/router/tunnel/build-pacer.ts';
import { EXPLORATORY } from '@allium/router/tunnel/pool-id.ts';
import test from 'ava';
import { type HopWorld, openWorld } from '../../support/hop-world.ts';
import { inShort } from '../../support/long.ts';

const POOLS = 24;

function clients(world: HopWorld): Side[] {
  return [...world.me.status().pools]
    .filter(([id]) => id !== EXPLORATORY)
    .map(([, { inbound, outbound }]) => ({ inbound: inbound.alive, outbound: outbound.alive }));
}

type Side = { readonly inbound: number; readonly outbound: number };

function ready(pools: readonly Side[]): number {
  return pools.filter(({ inbound, outbound }) => inbound > 0 && outbound > 0).length;
}

function full(pools: readonly Side[]): number {
  return pools.filter(({ inbound, outbound }) => inbound >= 3 && outbound >= 3).length;
}

test('24 pools come up together, and none waits until others have all that they want', (t) => {
  t.timeout(600_000);
  const world = openWorld({ seed: 'order', known: 400, dead: 0.45, neighbours: 24 }, POOLS);
  world.run(60_000);
  const early = clients(world);
  world.run(60_000);
  const late = clients(world);
  t.log(
    `of ${POOLS} pools ${ready(early)} are ready after one minute, ${full(late)} have all tunnels after two`,
  );
  // how soon the first ones come is luck, in what order they come is not
  t.true(ready(early) >= 20 || full(early) === 0, `${full(early)} full, and ${ready(early)} ready`);
  t.is(ready(late), POOLS);
  t.true(full(late) >= 22, `${full(late)} full`);
  // and later none is without for long
  for (let minute = 0; minute < inShort(6, 30); minute++) {
    world.run(60_000);
    const poor = clients(world).filter(({ inbound, outbound }) => inbound < 2 || outbound < 2).length;
    t.true(poor <= 1, `minute ${minute}: ${poor} pools have one tunnel or none in a direction`);
  }
});

test('as many builds at once as success and need ask for, within bounds', (t) => {
  const free = (succeeded: boolean, took: number, wanted: number): number => {
    const pacer = new BuildPacer();
    for (let i = 0; i < 100; i++) pacer.learn(succeeded, took);
    return pacer.free(wanted);
  };
  t.is(free(true, 2_000, 144), MIN_CONCURRENT_BUILDS, 'fast builds are done soon one after the other');
  t.true(free(true, 6_000, 144) > MIN_CONCURRENT_BUILDS);
  t.is(free(true, 20_000, 144), MAX_CONCURRENT_BUILDS);
  t.is(free(true, 20_000, 3), MIN_CONCURRENT_BUILDS);
  t.is(free(false, 30_000, 144), MIN_CONCURRENT_BUILDS, 'when all fail more would only fail more');
});

test('a late build gives its place to another, up to the bound', (t) => {
  const pacer = new BuildPacer();
  const begin = (count: number): void => {
    for (let i = 0; i < count; i++) pacer.started(undefined, 0);
  };
  begin(MIN_CONCURRENT_BUILDS);
  t.is(pacer.free(1), 0);
  for (let i = 0; i < MIN_CONCURRENT_BUILDS; i++) pacer.late();
  t.is(pacer.free(1), MIN_CONCURRENT_BUILDS);
  begin(MAX_CONCURRENT_BUILDS - MIN_CONCURRENT_BUILDS);
  t.is(pacer.free(1_000), 0);
  for (let i = 0; i < MAX_CONCURRENT_BUILDS - MIN_CONCURRENT_BUILDS; i++) pacer.late();
  t.is(pacer.free(1_000), 0);
  pacer.finished(true);
  t.is(pacer.free(1_000), 1);
});
