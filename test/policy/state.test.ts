import { STATES } from '@allium/common/contracts/policy.ts';
import test from 'ava';
import fc from 'fast-check';
import { DOUBTS } from '../../services/policy/model/facts.ts';
import { INSPECT_MS, MAX_WAITING, PolicyCore, RETRY_MS } from '../../services/policy/state/core.ts';
import type { Input, Output } from '../../services/policy/state/io.ts';
import { shippedPolicy } from './support.ts';

const LEAK_PROOF = shippedPolicy('leak-proof');
const I2P_ONLY = shippedPolicy('i2p-only');
const DIGEST = 'd'.repeat(64);

/** A core with a host that does what it is told when the test says so. */
class Playbook {
  readonly core = new PolicyCore(LEAK_PROOF, 1);
  readonly outputs: Output[] = [];
  now = 1_000;

  give(input: Input): Output[] {
    const out = this.core.step(input, this.now);
    this.outputs.push(...out);
    return out;
  }

  /** Ticket of the last apply or inspect that was asked for. */
  ticket(kind: 'apply' | 'inspect'): number {
    const asked = this.outputs.flatMap((output) =>
      (output.kind === 'apply' || output.kind === 'inspect') && output.kind === kind ? [output.ticket] : [],
    );
    return asked.at(-1) ?? -1;
  }

  applied(): Output[] {
    return this.give({ kind: 'applied', ticket: this.ticket('apply'), digest: DIGEST });
  }

  /** Sealed at the start, then open. */
  opened(): this {
    this.give({ kind: 'start' });
    this.applied();
    this.give({ kind: 'request', id: 1, state: 'open' });
    this.applied();
    return this;
  }
}

function plans(outputs: readonly Output[]): string[] {
  return outputs.flatMap((output) =>
    output.kind === 'apply' ? [`${output.plan.state} ${output.plan.policy.name}`] : [],
  );
}

function answers(outputs: readonly Output[]): string[] {
  return outputs.flatMap((output) =>
    output.kind === 'answer'
      ? [`${output.id} ${output.answer.ok ? output.answer.state : output.answer.code}`]
      : [],
  );
}

test('it seals at the start and opens only when it is asked to', (t) => {
  const book = new Playbook();
  t.deepEqual(plans(book.give({ kind: 'start' })), ['sealed leak-proof']);
  t.is(book.core.enforced, undefined);
  book.applied();
  t.is(book.core.enforced?.state, 'sealed');
  book.now += INSPECT_MS;
  t.deepEqual(
    book.give({ kind: 'tick' }).map(({ kind }) => kind),
    ['inspect'],
  );
  t.deepEqual(plans(book.give({ kind: 'inspected', ticket: book.ticket('inspect'), doubts: [] })), []);
  t.deepEqual(plans(book.give({ kind: 'request', id: 1, state: 'open' })), ['open leak-proof']);
  t.deepEqual(answers(book.applied()), ['1 open']);
});

test('a request is answered when it is in force and not before', (t) => {
  const book = new Playbook();
  book.give({ kind: 'start' });
  t.deepEqual(
    answers(book.give({ kind: 'request', id: 1, state: 'tor-only' })),
    [],
    'waits for the first sealing',
  );
  t.deepEqual(plans(book.applied()), ['tor-only leak-proof']);
  t.deepEqual(answers(book.applied()), ['1 tor-only']);
});

test('a policy is changed in the state that is, also behind a request that waits', (t) => {
  const book = new Playbook().opened();
  t.deepEqual(plans(book.give({ kind: 'request', id: 2, policy: I2P_ONLY })), ['open i2p-only']);
  book.give({ kind: 'request', id: 3, state: 'tor-only' });
  book.give({ kind: 'request', id: 4, policy: LEAK_PROOF });
  t.deepEqual(plans(book.applied()), ['tor-only i2p-only']);
  t.deepEqual(plans(book.applied()), ['tor-only leak-proof']);
  t.deepEqual(answers(book.applied()), ['4 tor-only']);
});

test('a policy that is asked for behind a sealing is taken over sealed', (t) => {
  const book = new Playbook().opened();
  book.give({ kind: 'request', id: 2, state: 'sealed' });
  book.give({ kind: 'request', id: 3, policy: I2P_ONLY });
  t.deepEqual(plans(book.applied()), ['sealed i2p-only']);
});

for (const doubt of ['drift', 'link-foreign', 'route-foreign', 'foreign-table', 'unreadable'] as const) {
  test(`${doubt} seals, in a new generation, and does not open again by itself`, (t) => {
    const book = new Playbook().opened();
    const generation = (): number | undefined =>
      book.outputs.flatMap((o) => (o.kind === 'apply' ? [o.plan.generation] : [])).at(-1);
    const before = generation();
    book.give({ kind: 'changed' });
    const out = book.give({ kind: 'inspected', ticket: book.ticket('inspect'), doubts: [doubt] });
    t.deepEqual(plans(out), ['sealed leak-proof']);
    t.is(book.core.enforced, undefined, 'nobody knows what is in force until it is read back');
    t.not(generation(), before);
    book.applied();
    book.now += 60_000;
    book.give({ kind: 'tick' });
    const quiet = book.give({ kind: 'inspected', ticket: book.ticket('inspect'), doubts: [] });
    t.deepEqual(plans(quiet), []);
    t.is(book.core.enforced?.state, 'sealed');
    t.deepEqual(book.core.lastSealing?.doubts, [doubt]);
  });
}

test('a doubt about the structure is only told when it is sealed; drift is loaded over', (t) => {
  const book = new Playbook();
  book.give({ kind: 'start' });
  book.applied();
  book.give({ kind: 'tick' });
  t.deepEqual(
    plans(book.give({ kind: 'inspected', ticket: book.ticket('inspect'), doubts: ['link-missing'] })),
    [],
  );
  t.deepEqual(book.core.doubts, ['link-missing']);
  book.give({ kind: 'tick' });
  t.deepEqual(plans(book.give({ kind: 'inspected', ticket: book.ticket('inspect'), doubts: ['drift'] })), [
    'sealed leak-proof',
  ]);
});

test('a failed apply seals, refuses the request, and whoever waits behind it for more', (t) => {
  const book = new Playbook().opened();
  book.give({ kind: 'request', id: 2, policy: I2P_ONLY });
  book.give({ kind: 'request', id: 3, state: 'open' });
  book.give({ kind: 'request', id: 4, state: 'sealed' });
  const out = book.give({
    kind: 'not-applied',
    ticket: book.ticket('apply'),
    doubts: ['apply-failed'],
    why: 'no',
  });
  t.deepEqual(answers(out), ['2 apply-failed', '3 apply-failed']);
  t.deepEqual(plans(out), ['sealed leak-proof'], 'the policy that failed is not taken over');
  book.applied();
  t.deepEqual(answers(book.applied()), ['4 sealed']);
});

test('when not even sealing works it says so and tries again', (t) => {
  const book = new Playbook();
  book.give({ kind: 'start' });
  const out = book.give({
    kind: 'not-applied',
    ticket: book.ticket('apply'),
    doubts: ['apply-failed'],
    why: 'no',
  });
  t.deepEqual(plans(out), []);
  t.true(out.some((o) => o.kind === 'event' && o.code === 'not-sealed'));
  t.deepEqual(
    out.findLast((o) => o.kind === 'wake'),
    { kind: 'wake', at: book.now + RETRY_MS },
  );
  t.is(book.core.enforced, undefined);
  t.deepEqual(plans(book.give({ kind: 'tick' })), ['sealed leak-proof']);
});

test('an unreadable policy seals', (t) => {
  const book = new Playbook().opened();
  const out = book.give({ kind: 'unreadable-policy', id: 2, why: 'p.yaml:1:1' });
  t.deepEqual(answers(out), ['2 policy-invalid']);
  t.deepEqual(plans(out), ['sealed leak-proof']);
});

test('the end seals, once it is read back, and refuses whoever comes late', (t) => {
  const book = new Playbook().opened();
  book.give({ kind: 'request', id: 2, state: 'open' });
  book.give({ kind: 'request', id: 3, state: 'open' });
  t.deepEqual(answers(book.give({ kind: 'stop' })), ['3 stopping']);
  t.deepEqual(answers(book.give({ kind: 'request', id: 4, state: 'open' })), ['4 stopping']);
  t.deepEqual(plans(book.applied()), ['sealed leak-proof']);
  t.true(book.applied().some(({ kind }) => kind === 'stopped'));
});

test('the queue has an end', (t) => {
  const book = new Playbook();
  book.give({ kind: 'start' });
  for (let id = 1; id <= MAX_WAITING; id++)
    t.deepEqual(answers(book.give({ kind: 'request', id, state: 'sealed' })), []);
  t.deepEqual(answers(book.give({ kind: 'request', id: 99, state: 'sealed' })), ['99 busy']);
});

const inputs: fc.Arbitrary<Input> = fc.oneof(
  fc.record({ kind: fc.constant('request' as const), id: fc.nat(), state: fc.constantFrom(...STATES) }),
  fc.record({
    kind: fc.constant('request' as const),
    id: fc.nat(),
    policy: fc.constantFrom(LEAK_PROOF, I2P_ONLY),
  }),
  fc.record({ kind: fc.constant('applied' as const), ticket: fc.nat(40), digest: fc.constant(DIGEST) }),
  fc.record({
    kind: fc.constant('not-applied' as const),
    ticket: fc.nat(40),
    doubts: fc.subarray([...DOUBTS], { minLength: 1 }),
    why: fc.constant('no'),
  }),
  fc.record({
    kind: fc.constant('inspected' as const),
    ticket: fc.nat(40),
    doubts: fc.subarray([...DOUBTS]),
  }),
  fc.record({ kind: fc.constant('unreadable-policy' as const), id: fc.nat(), why: fc.constant('no') }),
  fc.constantFrom<Input>({ kind: 'changed' }, { kind: 'tick' }, { kind: 'start' }, { kind: 'stop' }),
);

/** A host that counts: how much is under way, and how often somebody asked for more than sealed. */
class Referee {
  readonly #core = new PolicyCore(LEAK_PROOF, 1);
  #busy = false;
  #asked = 0;
  #ticket = 0;

  give(raw: Input): void {
    // Half of the answers are for the work that is under way, the rest are for none.
    const input = 'ticket' in raw && raw.ticket % 2 === 0 ? { ...raw, ticket: this.#ticket } : raw;
    if (input.kind === 'request' && input.state !== 'sealed') this.#asked++;
    if ('ticket' in input && input.ticket === this.#ticket) this.#busy = false;
    for (const output of this.#core.step(input, 0)) this.#judge(output);
  }

  #judge(output: Output): void {
    if (output.kind !== 'apply' && output.kind !== 'inspect') return;
    if (this.#busy) throw new Error('two pieces of work');
    this.#busy = true;
    this.#ticket = output.ticket;
    if (output.kind === 'inspect' || output.plan.state === 'sealed') return;
    if (this.#asked === 0) throw new Error('opened by itself');
    this.#asked--;
  }
}

test('in any order of events: more than sealed only on request, one piece of work at a time', (t) => {
  fc.assert(
    fc.property(fc.array(inputs, { maxLength: 60 }), (list) => {
      const referee = new Referee();
      for (const input of [{ kind: 'start' } as const, ...list]) referee.give(input);
    }),
    { numRuns: 500 },
  );
  t.pass();
});
