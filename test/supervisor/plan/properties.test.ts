import test from 'ava';
import fc from 'fast-check';
import type { Facts } from '../../../services/supervisor/observe/facts.ts';
import { joinersOf, networksOf, ownerOf, ROLES } from '../../../services/supervisor/observe/roles.ts';
import { TOPOLOGY } from '../../../services/supervisor/observe/topology.ts';
import type { Intent } from '../../../services/supervisor/plan/memory.ts';
import { isPlugged, plan } from '../../../services/supervisor/plan/plan.ts';
import { DISTURBANCES, joinersAreIn, World } from '../support/world.ts';

/** Looks until everything is well again: a new gate and three joiners take some twenty steps. */
const MAX_LOOKS = 60;

const state = fc.constantFrom('sealed' as const, 'tor-only' as const, 'open' as const);
const digest = fc.constantFrom('a', 'b');
const container = fc.record({
  id: fc.constantFrom('id-1', 'id-2'),
  name: fc.constant('x'),
  life: fc.constantFrom('created' as const, 'running' as const, 'ended' as const),
  health: fc.constantFrom('healthy' as const, 'starting' as const, 'unhealthy' as const, 'none' as const),
  netns: fc.constantFrom('net:[1]', 'net:[2]', undefined),
  joins: fc.constantFrom('id-1', 'id-2', undefined),
  networkless: fc.boolean(),
  networks: fc.subarray(['lan', 'up', 'ext'] as const),
  foreignNetworks: fc.constantFrom([], [], ['other']),
});
const rightContainer = (role: (typeof ROLES)[number]) =>
  fc.constant({
    id: `id-${role}`,
    name: role,
    life: 'running' as const,
    health: 'healthy' as const,
    netns: `net:[${ownerOf(role) ?? role}]`,
    joins: ownerOf(role) && `id-${ownerOf(role)}`,
    networkless: TOPOLOGY[role].namespace === 'none',
    networks: networksOf(role),
    foreignNetworks: [],
  });
const containers = fc.record(
  Object.fromEntries(
    ROLES.map((role) => [role, fc.oneof({ weight: 30, arbitrary: rightContainer(role) }, container)]),
  ),
  { requiredKeys: ROLES.slice(0, 0) },
);
const facts = fc.record({
  containers: fc.oneof(
    containers,
    // Mostly right, so that a plug is possible at all.
    fc.record(Object.fromEntries(ROLES.map((role) => [role, rightContainer(role)]))),
  ),
  duplicates: fc.constantFrom([], [], [], [], ['tor' as const]),
  networks: fc.constantFrom(
    { lan: 'l', up: 'u', ext: 'e' },
    { lan: 'l', up: 'u', ext: 'e' },
    { lan: 'l', up: 'u' },
  ),
  notInternal: fc.constantFrom([], [], ['up' as const]),
  strangers: fc.constantFrom([], [], [{ name: 's', where: 'up' as const }]),
  policy: fc.option(
    fc.record({
      state,
      policy: fc.constantFrom('leak-proof', 'other'),
      digest,
      doubts: fc.constantFrom([], [], ['drift']),
      known: fc.constantFrom(['leak-proof', 'other'], ['leak-proof', 'other'], ['leak-proof']),
      doors: fc.constant([]),
    }),
    { nil: undefined },
  ),
  tor: fc.option(fc.record({ percent: fc.constantFrom(0, 50, 100), summary: fc.constant('') }), {
    nil: undefined,
  }),
  router: fc.constant(undefined),
  relays: fc.oneof({ weight: 9, arbitrary: fc.constant(7_000) }, fc.constantFrom(0, undefined)),
  relaysTaken: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
}) as fc.Arbitrary<Facts>;
const intents: fc.Arbitrary<Intent> = fc.record({
  policy: fc.constantFrom('leak-proof', 'other'),
  asked: fc.option(fc.record({ state, policy: fc.constantFrom('leak-proof', 'other'), digest }), {
    nil: undefined,
  }),
  known: fc.subarray([...ROLES]).map((roles) => new Set(roles)),
  settled: fc.boolean(),
});

test('no plan ever plugs while anything differs from what was asked for', (t) => {
  let plugs = 0;
  fc.assert(
    fc.property(facts, intents, (seen, wanted) => {
      const { steps, doubts } = plan(seen, wanted);
      if (!steps.some(({ kind }) => kind === 'plug')) return;
      plugs++;
      const { gate } = seen.containers;
      return (
        doubts.length === 0 &&
        wanted.asked !== undefined &&
        seen.policy?.digest === wanted.asked.digest &&
        seen.policy.state === wanted.asked.state &&
        seen.policy.state !== 'sealed' &&
        seen.policy.doubts.length === 0 &&
        seen.strangers.length === 0 &&
        gate?.life === 'running' &&
        gate.foreignNetworks.length === 0 &&
        seen.policy.known.includes(wanted.policy) &&
        (seen.relays ?? 0) > 0 &&
        seen.relaysTaken &&
        seen.containers.fence?.health === 'healthy' &&
        seen.containers.fence.netns === seen.containers.uplink?.netns &&
        joinersOf('gate').every((role) => seen.containers[role]?.netns === gate.netns)
      );
    }),
    { numRuns: 30_000 },
  );
  t.true(plugs >= 20, `only ${plugs} plans plugged: the generator shows nothing`);
});

test('a plugged uplink under any doubt is unplugged before anything else', (t) => {
  fc.assert(
    fc.property(facts, intents, (seen, wanted) => {
      const { steps, doubts } = plan(seen, wanted);
      const ext = seen.networks.ext !== undefined;
      return !(doubts.length > 0 && isPlugged(seen) && ext) || steps[0]?.kind === 'unplug';
    }),
    { numRuns: 10_000 },
  );
  t.pass();
});

test('under a doubt nothing is opened', (t) => {
  fc.assert(
    fc.property(facts, intents, (seen, wanted) => {
      const { steps, doubts } = plan(seen, wanted);
      const opens = steps.some(
        (step) => step.kind === 'plug' || (step.kind === 'set-state' && step.state !== 'sealed'),
      );
      return doubts.length === 0 || !opens;
    }),
    { numRuns: 10_000 },
  );
  t.pass();
});

test('only what was created is started, and joiners are made for an owner that runs', (t) => {
  fc.assert(
    fc.property(facts, intents, (seen, wanted) =>
      plan(seen, wanted).steps.every((step) => {
        if (step.kind === 'start') return seen.containers[step.role]?.life === 'created';
        if (step.kind !== 'create') return true;
        const owner = ownerOf(step.role);
        if (owner === undefined) return step.owner === undefined;
        return step.owner === seen.containers[owner]?.id && seen.containers[owner]?.life === 'running';
      }),
    ),
    { numRuns: 10_000 },
  );
  t.pass();
});

const disturbance = fc.record({ kind: fc.constantFrom(...DISTURBANCES), role: fc.constantFrom(...ROLES) });

/** One step after each look, as the host does it; returns whether the world came to rest. */
function runToRest(world: World): boolean {
  for (let look = 0; look < MAX_LOOKS; look++) {
    const seen = world.facts();
    const { steps, doubts } = plan(seen, world.intent());
    if (doubts.length > 0 && isPlugged(seen) && steps[0]?.kind !== 'unplug') return false;
    const [step] = steps;
    if (step !== undefined) world.apply(step);
    else if (doubts.length === 0 && seen.policy?.state === 'open') return true;
    else if (world.strangers.length > 0 && seen.policy?.state === 'sealed') return true;
  }
  return false;
}

test('whatever happens to it, a simulated gateway comes back open and plugged', (t) => {
  fc.assert(
    fc.property(
      fc.array(disturbance, { maxLength: 6 }),
      fc.array(fc.nat(30), { maxLength: 6 }),
      (events, pauses) => {
        const world = new World();
        for (const [index, event] of events.entries()) {
          // Things happen in the midst of a repair, too.
          for (let look = 0; look < (pauses[index] ?? 0); look++) {
            const [step] = plan(world.facts(), world.intent()).steps;
            if (step !== undefined) world.apply(step);
          }
          try {
            world.disturb(event);
          } catch {
            // Docker refuses to start a joiner without its gate, and so does the world.
          }
        }
        const rested = runToRest(world);
        return rested && isPlugged(world.facts()) && joinersAreIn(world);
      },
    ),
    { numRuns: 1_500 },
  );
  t.pass();
});

test('with a stranger in the gate it rests sealed and unplugged, and opens again once the stranger is gone', (t) => {
  for (const where of ['gate', 'fence', 'up'] as const) {
    const world = new World();
    t.true(runToRest(world));
    world.strangers.push({ name: 'stranger', where });
    t.true(runToRest(world), where);
    t.false(isPlugged(world.facts()), where);
    world.strangers.length = 0;
    t.true(runToRest(world), where);
    t.true(isPlugged(world.facts()), where);
  }
});
