import test from 'ava';
import fc from 'fast-check';
import type { Chain, Table } from 'nftables-ts/objects.ts';
import type { Statement } from 'nftables-ts/statements.ts';
import { validateTable } from 'nftables-ts/validate.ts';
import type { Policy } from '../../services/policy/model/policy.ts';
import { parsePolicy } from '../../services/policy/model/policy.ts';
import { compile } from '../../services/policy/ruleset/compile.ts';
import { grantsOf, liveMarks } from '../../services/policy/ruleset/grants.ts';
import { GATE, shippedPolicy, tablesOf } from './support.ts';

const why = fc.constantFrom('for a test of the compiler', 'because somebody wanted it');
const protocol = fc.constantFrom('tcp' as const, 'udp' as const);
/** Ports of different items never meet: item n has the hundred from 1000 + 200 n. */
const portsOf = (n: number) =>
  fc
    .uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 4 })
    .map((list) =>
      list.map((p) =>
        p % 3 === 0 ? `${1000 + 200 * n + 4 * p}-${1002 + 200 * n + 4 * p}` : 1000 + 200 * n + 4 * p,
      ),
    );
const items = <T>(make: (n: number) => fc.Arbitrary<T>) =>
  fc.integer({ min: 0, max: 6 }).chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => make(i))));

const policies: fc.Arbitrary<Policy> = fc
  .record(
    {
      loopback: fc.record({ why }),
      tor: fc.record({ why }),
      doors: items((n) => fc.record({ name: fc.constant(`door-${n}`), why, protocol, ports: portsOf(n) })),
      captures: items((n) =>
        fc.record({
          name: fc.constant(`capture-${n}`),
          why,
          protocol,
          ports: fc.oneof(fc.constant('all' as const), portsOf(10 + n)),
          to: fc.integer({ min: 1, max: 65_535 }),
        }),
      ),
      refusals: items((n) =>
        fc.record({ name: fc.constant(`refusal-${n}`), why, protocol, ports: portsOf(20 + n) }),
      ),
    },
    { requiredKeys: [] },
  )
  .map((policy) => {
    const { captures, ...rest } = policy;
    const legal = rest.tor === undefined ? rest : policy;
    return parsePolicy(
      'random.yaml',
      JSON.stringify({ version: 1, name: 'random', about: 'a random policy', ...legal }),
    );
  });
const states = fc.constantFrom('tor-only' as const, 'open' as const);

function chains(tables: readonly Table[]): Chain[] {
  return tables.flatMap((table) => table.chains);
}

function has(statement: Statement, key: string): boolean {
  return key in statement;
}

test('sealed accepts nothing, jumps nowhere, and drops at every hook and on every interface', (t) => {
  const tables = tablesOf('sealed', shippedPolicy('leak-proof'));
  const statements = chains(tables).flatMap((chain) => chain.rules.flatMap((rule) => rule.statements));
  t.true(statements.every((s) => has(s, 'counter') || has(s, 'drop')));
  const hooks = chains(tables).map(({ base }) => `${base?.hook} ${base?.device ?? ''}`.trim());
  t.deepEqual(
    hooks.sort(),
    [
      'egress lan0',
      'egress up0',
      'forward',
      'ingress lan0',
      'ingress up0',
      'input',
      'output',
      'prerouting',
      ...['output'],
    ].sort(),
  );
});

test('sealed needs no interface to be there', (t) => {
  const tables = compile({ state: 'sealed', devices: [] });
  for (const table of tables) t.notThrows(() => validateTable(table));
  t.true(chains(tables).every(({ base }) => base?.policy === 'drop'));
});

test('of any policy: every base chain drops by default and at its end, and counts it', (t) => {
  fc.assert(
    fc.property(policies, states, (policy, state) => {
      for (const { name, base, rules } of chains(tablesOf(state, policy))) {
        if (base === undefined) continue;
        const last = rules.at(-1)?.statements;
        if (base.policy !== 'drop') throw new Error(`${name}: policy ${base.policy}`);
        if (JSON.stringify(last) !== JSON.stringify([{ counter: `${name}_denied` }, { drop: null }]))
          throw new Error(name);
      }
    }),
  );
  t.pass();
});

test('of any policy: every rule has a counter, a verdict and a line of prose, and the tables are valid', (t) => {
  fc.assert(
    fc.property(policies, states, (policy, state) => {
      const tables = tablesOf(state, policy);
      for (const table of tables) validateTable(table);
      for (const { name, rules } of chains(tables)) {
        for (const { comment, statements } of rules) {
          const counted = statements.filter((s) => has(s, 'counter')).length === 1;
          const last = statements.at(-1);
          const ends =
            last !== undefined && ['accept', 'drop', 'goto', 'vmap', 'redirect'].some((v) => has(last, v));
          if (!counted || !ends || comment === undefined)
            throw new Error(`${name}: ${JSON.stringify(statements)}`);
        }
      }
    }),
  );
  t.pass();
});

test('of any policy: tor-only accepts nothing from or to the workstations', (t) => {
  fc.assert(
    fc.property(policies, (policy) => {
      const text = JSON.stringify(chains(tablesOf('tor-only', policy)).flatMap(({ rules }) => rules));
      if (text.includes('lan0') || text.includes('10.152.')) throw new Error('the LAN appears in a rule');
    }),
  );
  t.pass();
});

test('of any policy: an accept on the side of the uplink names its address', (t) => {
  fc.assert(
    fc.property(policies, states, (policy, state) => {
      for (const chain of chains(tablesOf(state, policy)).filter(({ base }) => base?.device === 'up0')) {
        for (const { statements } of chain.rules.filter((rule) =>
          rule.statements.some((s) => has(s, 'accept')),
        )) {
          if (!JSON.stringify(statements).includes('172.31.255.3'))
            throw new Error(JSON.stringify(statements));
        }
      }
    }),
  );
  t.pass();
});

test('of any policy: the same site gives the same rules', (t) => {
  fc.assert(
    fc.property(policies, states, fc.nat(), (policy, state, generation) => {
      const [a, b] = [
        tablesOf(state, policy, generation),
        tablesOf(state, structuredClone(policy), generation),
      ];
      if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error('different');
    }),
  );
  t.pass();
});

test('a flow keeps its mark while its grant is the same, and no mark outlives a sealing', (t) => {
  const policy = shippedPolicy('leak-proof');
  const open = grantsOf('open', policy, GATE, 5);
  const torOnly = grantsOf('tor-only', policy, GATE, 5);
  t.is(open.tor?.mark, torOnly.tor?.mark);
  t.deepEqual(liveMarks(torOnly), [open.tor?.mark]);
  const renamed = {
    ...policy,
    doors: policy.doors.map((door) => ({ ...door, ports: door.ports.slice(0, 1) })),
  };
  const marks = new Set(liveMarks(grantsOf('open', renamed, GATE, 5)));
  const [kept, lost] = [open.doors[0], open.doors.find(({ door }) => door.ports.length > 1)];
  t.true(marks.has(kept?.mark ?? 0));
  t.false(marks.has(lost?.mark ?? 0));
  const next = new Set(liveMarks(grantsOf('open', policy, GATE, 6)));
  t.true(liveMarks(open).every((mark) => !next.has(mark)));
  t.is(new Set(liveMarks(open)).size, policy.doors.length + policy.captures.length + 1);
});

test('what must come early comes early', (t) => {
  const inet = tablesOf('open', shippedPolicy('leak-proof'))[0];
  const priority = (name: string): number | undefined =>
    inet?.chains.find((c) => c.name === name)?.base?.priority;
  t.true((priority('early_in') ?? 0) < -400, 'before fragments are put together');
  t.true((priority('early_out') ?? 0) < -100, "before Docker's DNAT of 127.0.0.11");
  t.is(priority('nat_in'), -100);
});
