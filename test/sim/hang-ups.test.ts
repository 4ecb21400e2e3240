import { randomBelow } from '@allium/common/core/random.ts';
import type { DestinationId } from '@allium/router/node/node-io.ts';
import { createDestinationKeys } from '@allium/router/wire/destination.ts';
import { identityOf } from '@allium/router/wire/identity.ts';
import test from 'ava';
import { SimNetwork } from '../support/sim-network.ts';
import type { SimRouter } from '../support/sim-router.ts';

const NAMES = ['one', 'two'] as const;
type Name = (typeof NAMES)[number];
/** ms after a hang-up in which an observer takes a change of a LeaseSet for its effect. */
const SOON = 3_000;
/** ms, at least, between a hang-up and a moment to compare with; up to three times that, as tunnels have their own rhythm. */
const PAUSE = 60_000;
const ROUNDS = 40;

/** A router with two Destinations among so few peers that all of them carry tunnels. */
function network(seed: string): { net: SimNetwork; victim: SimRouter } {
  const net = new SimNetwork({ seed, routers: 7, floodfills: 3, latency: 40 });
  const victim = net.addClient('victim');
  for (const [at, name] of NAMES.entries()) {
    const keys = createDestinationKeys(net.entropy(name));
    victim.input({
      kind: 'openDestination',
      destination: 1 + at,
      options: { identity: identityOf(keys), publish: false, length: 2, quantity: 3 },
    });
  }
  if (!net.run(120_000, () => NAMES.every((_, at) => victim.ready.has(1 + at)))) throw new Error('not ready');
  net.run(60_000);
  return { net, victim };
}

/** How often each LeaseSet has changed so far. */
function changes({ status }: SimRouter): Record<Name, number> {
  const of = (id: DestinationId): number => Number(status.destinations.get(id)?.leaseSets ?? 0);
  return { one: of(1), two: of(2) };
}

interface Seen {
  /** rounds in which the LeaseSet changed within `SOON` of the hang-up */
  readonly after: Record<Name, number>;
  /** and of another moment of the same round */
  readonly control: Record<Name, number>;
  /** rounds in which both changed soon after */
  both: number;
  hangUps: number;
}

/** One and the same neighbour hangs up again and again; an observer sees both LeaseSets. */
function observe(net: SimNetwork, victim: SimRouter, hangUp: (neighbour: SimRouter) => number): Seen {
  const seen: Seen = { after: { one: 0, two: 0 }, control: { one: 0, two: 0 }, both: 0, hangUps: 0 };
  const neighbour = net.routers[5];
  if (!neighbour) throw new Error('no neighbour');
  const moments = net.entropy('moments');
  const pause = (): void => {
    net.run(PAUSE + randomBelow(moments, 2 * PAUSE));
  };
  const within = (counts: Record<Name, number>, run: () => void): number => {
    const before = changes(victim);
    run();
    net.run(SOON);
    const now = changes(victim);
    const changed = NAMES.filter((name) => now[name] > before[name]);
    for (const name of changed) counts[name]++;
    return changed.length;
  };
  for (let round = 0; round < ROUNDS; round++) {
    within(seen.control, () => {});
    pause();
    const hit = within(seen.after, () => {
      seen.hangUps += hangUp(neighbour);
    });
    if (hit === NAMES.length) seen.both++;
    pause();
  }
  return seen;
}

function told({ after, control, both, hangUps }: Seen): string {
  return `${hangUps} hang-ups; changed within ${SOON / 1_000} s: one ${after.one}, two ${after.two}, both ${both}; at other moments: ${control.one}, ${control.two}`;
}

test('a neighbour that hangs up again and again, and lets us in again, sees no LeaseSet change by it', (t) => {
  const { net, victim } = network('hang-ups');
  const seen = observe(net, victim, (neighbour) => net.links.hangUp(victim, neighbour));
  t.log(told(seen));
  t.true(seen.hangUps >= ROUNDS / 2, 'it had something to hang up');
  for (const name of NAMES) t.true(seen.after[name] <= seen.control[name] + 4, name);
  t.true(seen.both <= 1);
});

test('one that does not let us in again for a minute sees no two Destinations react together', (t) => {
  const { net, victim } = network('closed door');
  const seen = observe(net, victim, (neighbour) => {
    net.links.bar(victim, neighbour, true);
    net.time.after(30_000, () => net.links.bar(victim, neighbour, false));
    return net.links.hangUp(victim, neighbour);
  });
  t.log(told(seen));
  t.true(seen.hangUps >= ROUNDS / 2);
  for (const name of NAMES) t.true(seen.after[name] <= seen.control[name] + 4, name);
  t.true(seen.both <= 1);
});
