import { REOPEN_WITHIN, TELL_AFTER, TELL_SPREAD } from '@allium/router/tunnel/lost-sessions.ts';
import { EXPLORATORY, type PoolId } from '@allium/router/tunnel/pool-id.ts';
import type { RouterHash } from '@allium/router/wire/hash.ts';
import test from 'ava';
import { SimNetwork } from './sim-network.ts';

const POOLS = [1, 2] as const;

/** Two Destinations whose tunnels all begin at the same three neighbours. */
function started(seed: string): { net: SimNetwork; shared: RouterHash } {
  const net = new SimNetwork(seed, 14);
  for (const { hash } of net.others.slice(3)) net.sessions.delete(hash);
  const direction = { length: 2, quantity: 4 };
  for (const name of [EXPLORATORY, ...POOLS])
    net.step(net.me, { kind: 'createPool', pool: name, config: { inbound: direction, outbound: direction } });
  net.run(60_000);
  const [shared] = net.sessions;
  if (!shared) throw new Error('no neighbour');
  return { net, shared };
}

function leases(net: SimNetwork, pool: PoolId): string[] {
  return net.me.core.leases(pool, net.now).map(({ gateway, tunnelId }) => `${gateway}/${tunnelId}`);
}

/** ms until the pool's leases are others than they are now; undefined: not within `forMs`. */
function changeOf(net: SimNetwork, pool: PoolId, forMs: number): number | undefined {
  const before = leases(net, pool).sort().join();
  for (let ms = 0; ms < forMs; ms += 100) {
    if (leases(net, pool).sort().join() !== before) return ms;
    net.run(100);
  }
  return undefined;
}

test('a session that is opened again in time has changed nothing', (t) => {
  const { net, shared } = started('again');
  const before = POOLS.map((pool) => leases(net, pool));
  net.hangUp(shared, false);
  net.run(REOPEN_WITHIN - 1_000);
  t.deepEqual(
    POOLS.map((pool) => leases(net, pool)),
    before,
  );
  net.letIn(shared);
  net.run(40_000);
  t.deepEqual(
    POOLS.map((pool) => leases(net, pool)),
    before,
  );
  t.is(net.counter('tunnelsPeerDown'), 0);
  t.is(net.counter('tunnelsTestFailed'), 0);
});

test('while its session is away a tunnel is used only where there is no other', (t) => {
  const { net, shared } = started('avoided');
  net.hangUp(shared, false);
  const used = new Set<RouterHash>();
  net.filter = (from, to, message) => {
    if (from === net.me.hash) used.add(to);
    return message;
  };
  for (let i = 0; i < 30; i++) {
    const message = { type: 10, id: i + 1, expires: net.now + 60_000, payload: Buffer.alloc(12) };
    const far = net.others[9]?.hash ?? shared;
    net.take(net.me, net.me.core.sendThrough(1, { kind: 'router', router: far }, message, net.now));
    net.run(20);
  }
  t.true(used.size > 0);
  t.false(used.has(shared));
});

/** Milliseconds from now on until each pool's leases are others; undefined where they stay. */
function tellingTimes(net: SimNetwork): (number | undefined)[] {
  const watched = POOLS.map((pool) => ({ pool, before: leases(net, pool).sort().join(), at: NaN }));
  for (let ms = 0; ms <= TELL_AFTER + TELL_SPREAD; ms += 100) {
    for (const watch of watched) {
      const changed = leases(net, watch.pool).sort().join() !== watch.before;
      if (changed && Number.isNaN(watch.at)) watch.at = ms;
    }
    net.run(100);
  }
  return watched.map(({ at }) => (Number.isNaN(at) ? undefined : at));
}

for (const ending of ['it cannot be opened again', 'nothing is heard of it'] as const) {
  test(`a session is lost and ${ending}: each pool tells at a time of its own`, (t) => {
    const apart: number[] = [];
    for (let seed = 0; seed < 8; seed++) {
      const { net, shared } = started(`lost ${seed}`);
      const waits = ending === 'nothing is heard of it';
      net.hangUp(shared, !waits);
      if (waits) net.run(REOPEN_WITHIN);
      t.true(net.counter('tunnelsPeerDown') > 0, 'what leaves through it ends at once');
      const times = tellingTimes(net);
      for (const at of times) t.true((at ?? TELL_AFTER) >= TELL_AFTER - 100, `told after ${at} ms`);
      for (const name of POOLS) t.true(leases(net, name).length >= 4, 'what replaces it is told with it');
      const [one, two] = times;
      // not every pool had an inbound tunnel there
      if (one !== undefined && two !== undefined) apart.push(Math.abs(one - two));
    }
    const mean = apart.reduce((sum, ms) => sum + ms, 0) / apart.length;
    t.true(apart.length >= 4 && mean > TELL_SPREAD / 6, `ms apart: ${apart.join(' ')}`);
  });
}

test('a stream that stalls makes its pool tell at once, and no other', (t) => {
  const { net, shared } = started('stall');
  net.hangUp(shared);
  net.run(5_000);
  const two = leases(net, 2);
  const one = leases(net, 1);
  net.step(net.me, { kind: 'suspect', pool: 1 });
  t.notDeepEqual(leases(net, 1), one);
  t.deepEqual(leases(net, 2), two);
  t.is(changeOf(net, 2, TELL_AFTER - 6_000), undefined);
});

test('a neighbour that comes back before its loss is told keeps its tunnels', (t) => {
  const { net, shared } = started('reprieve');
  net.hangUp(shared);
  const kept = leases(net, 1);
  net.run(3_000);
  net.letIn(shared);
  net.run(TELL_AFTER + TELL_SPREAD);
  for (const lease of kept) t.true(leases(net, 1).includes(lease));
});
