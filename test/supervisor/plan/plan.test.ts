import test from 'ava';
import { findDoubts } from '../../../services/supervisor/plan/doubts.ts';
import type { Intent } from '../../../services/supervisor/plan/memory.ts';
import { needsCompose, plan } from '../../../services/supervisor/plan/plan.ts';
import type { Step } from '../../../services/supervisor/plan/steps.ts';
import { askedFor, factsOf, intent } from '../support/captured.ts';

function told(step: Step): string {
  if ('role' in step) return `${step.kind} ${step.role}`;
  return step.kind === 'set-state' ? `set-state ${step.state}` : step.kind;
}

/** Captured situation → what is to be done about it, when compose is done and everything is known. */
const TABLE: readonly { name: string; steps: readonly string[]; doubts: readonly string[] }[] = [
  { name: 'open', doubts: [], steps: [] },
  {
    name: 'stranger-in-gate',
    doubts: ['stranger'],
    steps: ['set-state sealed'],
  },
  { name: 'stranger-on-up', doubts: ['stranger'], steps: ['set-state sealed'] },
  {
    name: 'gate-foreign-network',
    doubts: ['gate networks', 'policy-doubts'],
    steps: [
      'remove tor-filter',
      'remove forwarder',
      'remove tor',
      'remove policy',
      'remove gate',
      'create gate',
    ],
  },
  // Docker leaves a default route behind when a network is detached again: only a new namespace is clean.
  {
    name: 'gate-route-left',
    doubts: ['forwarder not-running', 'policy-doubts'],
    steps: [
      'remove tor-filter',
      'remove forwarder',
      'remove tor',
      'remove policy',
      'remove gate',
      'create gate',
    ],
  },
  {
    name: 'forwarder-ended',
    doubts: ['forwarder not-running'],
    steps: ['set-state sealed', 'remove forwarder', 'create forwarder'],
  },
  {
    name: 'gate-restarted',
    doubts: [
      'policy stranded',
      'tor stranded',
      'forwarder not-running',
      'tor-filter stranded',
      'policy-doubts',
    ],
    steps: [
      'remove tor-filter',
      'remove forwarder',
      'remove tor',
      'remove policy',
      'remove gate',
      'create gate',
    ],
  },
  {
    name: 'gate-ended',
    doubts: ['gate not-running'],
    steps: [
      'remove tor-filter',
      'remove forwarder',
      'remove tor',
      'remove policy',
      'remove gate',
      'create gate',
    ],
  },
  {
    name: 'gate-missing',
    doubts: ['gate missing'],
    steps: ['remove tor-filter', 'remove forwarder', 'remove tor', 'remove policy', 'create gate'],
  },
];

for (const { name, steps, doubts } of TABLE) {
  test(`${name}: ${steps.length === 0 ? 'nothing to do' : steps.join(', ')}`, (t) => {
    const facts = factsOf(name);
    const found = plan(facts, intent({ asked: askedFor(name) }));
    t.deepEqual(found.steps.map(told), steps);
    const codes = found.doubts.map((doubt) => ('role' in doubt ? `${doubt.role} ${doubt.code}` : doubt.code));
    for (const doubt of doubts) t.true(codes.includes(doubt), `${doubt} in ${codes}`);
    if (doubts.length === 0) t.deepEqual(codes, []);
  });
}

test('before anybody asked, an open and plugged gate is unplugged first and sealed next', (t) => {
  const { steps } = plan(factsOf('open'), intent());
  t.deepEqual(steps.map(told), ['unplug', 'set-state sealed']);
});

test('while compose is at work nothing is made or removed, but the plug comes out', (t) => {
  for (const { name } of TABLE.filter(({ doubts }) => doubts.length > 0)) {
    const { steps } = plan(factsOf(name), intent({ settled: false }));
    for (const step of steps)
      t.true(step.kind === 'unplug' || step.kind === 'set-state', `${name}: ${told(step)}`);
  }
});

test('every broken situation with the plug in begins with unplug', (t) => {
  for (const { name } of TABLE.filter(({ doubts }) => doubts.length > 0)) {
    const facts = factsOf(name);
    const { fence } = facts.containers;
    if (fence === undefined) throw new Error('captured without fence');
    const plugged = {
      ...facts,
      containers: { ...facts.containers, fence: { ...fence, networks: ['up', 'ext'] as const } },
    };
    t.is(plan(plugged, intent({ asked: askedFor(name) })).steps[0]?.kind, 'unplug', name);
  }
});

test('what nobody has ever seen is not made; compose has to', (t) => {
  const facts = factsOf('gate-missing');
  const known: Intent = intent({ known: new Set() });
  t.deepEqual(plan(facts, known).steps.map(told), ['set-state sealed']);
  t.deepEqual(needsCompose(facts, known), ['gate']);
});

test('a gate that cannot be made again takes nobody with it', (t) => {
  const { steps } = plan(factsOf('gate-ended'), intent({ known: new Set(['policy', 'tor', 'forwarder']) }));
  t.false(steps.some(({ kind }) => kind === 'remove'));
});

test('the way up: sealed, tor-only, plug, then open only once Tor is at 100 %', (t) => {
  const sealed = {
    state: 'sealed',
    policy: 'leak-proof',
    digest: 'd1',
    doubts: [],
    known: ['leak-proof'],
    doors: [],
  } as const;
  const only = { ...sealed, state: 'tor-only', digest: 'd2' } as const;
  const tor = { percent: 99, summary: '' };
  const at = (name: string, policy: typeof sealed | typeof only, percent: number) =>
    plan(factsOf(name, { policy, tor: { ...tor, percent } }), intent({ asked: policy })).steps.map(told);
  t.deepEqual(at('unplugged', sealed, 0), ['set-state tor-only']);
  t.deepEqual(at('unplugged', only, 0), ['plug']);
  t.deepEqual(at('open', only, 99), []);
  t.deepEqual(at('open', only, 100), ['set-state open']);
  t.deepEqual(at('open', sealed, 100), ['unplug']);
});

test('another wanted policy is asked for where the gate is', (t) => {
  const { steps } = plan(factsOf('open'), intent({ policy: 'i2p-only', asked: askedFor('open') }));
  t.deepEqual(steps, [{ kind: 'set-policy', policy: 'i2p-only' }]);
});

test('another digest, state or name than the one asked for is a doubt', (t) => {
  const facts = factsOf('open');
  const asked = askedFor('open');
  for (const other of [{ digest: 'other' }, { state: 'tor-only' as const }, { policy: 'i2p-only' }]) {
    t.deepEqual(findDoubts(facts, intent({ asked: { ...asked, ...other } })), [{ code: 'policy-unasked' }]);
  }
  t.deepEqual(findDoubts(facts, intent({ asked })), []);
});

test('a missing router is made without closing anything, one with a network closes all', (t) => {
  const facts = factsOf('open');
  const asked = askedFor('open');
  const { router, ...others } = facts.containers;
  if (router === undefined) throw new Error('captured without router');
  t.deepEqual(plan({ ...facts, containers: others }, intent({ asked })).steps.map(told), ['create router']);
  const networked = { ...router, networkless: false, foreignNetworks: ['bridge'] };
  const { steps } = plan({ ...facts, containers: { ...others, router: networked } }, intent({ asked }));
  t.deepEqual(steps.map(told), ['unplug', 'set-state sealed', 'remove router', 'create router']);
});

test('a policy of which nobody knows closes, and the next known one opens', (t) => {
  const facts = factsOf('open');
  const asked = askedFor('open');
  const { doubts, steps } = plan(facts, intent({ asked, policy: 'leek-proof' }));
  t.deepEqual(doubts, [{ code: 'policy-unknown', policy: 'leek-proof', known: facts.policy?.known ?? [] }]);
  t.true(facts.policy?.known.includes('leak-proof'));
  t.deepEqual(steps.map(told), ['unplug', 'set-state sealed']);
  t.deepEqual(plan(facts, intent({ asked })).doubts, []);
});

test('without a list of relays, or an uplink that has it, everything is closed', (t) => {
  const asked = askedFor('open');
  const codes = (changes: Parameters<typeof factsOf>[1]) =>
    plan(factsOf('open', changes), intent({ asked })).doubts.map(({ code }) => code);
  t.deepEqual(codes({ relays: undefined }), ['relays-unknown']);
  t.deepEqual(codes({ relays: 0 }), ['relays-unknown']);
  t.deepEqual(codes({ relaysTaken: false }), ['uplink-silent']);
  t.deepEqual(codes({}), []);
});

test('a fence that ended, lost its rules or has a foreign network is made anew, and the uplink after it', (t) => {
  const facts = factsOf('open');
  const { fence, uplink } = facts.containers;
  if (fence === undefined || uplink === undefined) throw new Error('captured without fence');
  const asked = askedFor('open');
  const ill = [{ life: 'ended' as const }, { health: 'unhealthy' as const }, { foreignNetworks: ['x'] }];
  for (const change of ill) {
    const { steps } = plan(
      { ...facts, containers: { ...facts.containers, fence: { ...fence, ...change } } },
      intent({ asked }),
    );
    t.deepEqual(
      steps.map(told),
      ['unplug', 'set-state sealed', 'remove uplink', 'remove fence', 'create fence'],
      JSON.stringify(change),
    );
  }
  const fresh = { ...fence, id: 'new', netns: 'net:[1]', networks: ['up'] as const };
  const at = (health: 'starting' | 'healthy') =>
    plan(
      { ...facts, containers: { ...facts.containers, fence: { ...fresh, health } } },
      intent({ asked }),
    ).steps.map(told);
  t.deepEqual(at('starting'), ['set-state sealed']);
  t.deepEqual(at('healthy'), ['set-state sealed', 'remove uplink', 'create uplink']);
});
