import test from 'ava';
import { NftError } from 'nftables-ts/errors.ts';
import { anyOf, fib, meta, payload, prefix, range, setRef } from 'nftables-ts/expressions.ts';
import type { BaseChain, Chain, NftMap, NftSet, Rule, Table } from 'nftables-ts/objects.ts';
import {
  accept,
  count,
  drop,
  goto,
  jump,
  limit,
  match,
  redirect,
  type Statement,
  setCtMark,
  vmap,
} from 'nftables-ts/statements.ts';
import { Transaction } from 'nftables-ts/transaction.ts';
import { validateTable } from 'nftables-ts/validate.ts';
import { INET, NETDEV } from './samples.ts';

const EMPTY: Table = { family: 'inet', name: 't', counters: [], sets: [], maps: [], chains: [] };
const BASE: BaseChain = { type: 'filter', hook: 'input', priority: 0, policy: 'drop' };

function rule(...statements: Statement[]): Table {
  return ruled({ statements });
}
function ruled(...rules: Rule[]): Table {
  return chained({ name: 'c', base: BASE, rules });
}
function chained(...chains: Chain[]): Table {
  return { ...EMPTY, chains };
}
function based(base: Partial<BaseChain>, family: Table['family'] = 'inet'): Table {
  return { ...chained({ name: 'c', base: { ...BASE, ...base }, rules: [] }), family };
}
function withSet(set: Partial<NftSet>): Table {
  return { ...EMPTY, sets: [{ name: 's', type: 'ipv4_addr', elements: [], ...set }] };
}
function withMap(map: Partial<NftMap>): Table {
  return { ...EMPTY, maps: [{ name: 'm', type: 'inet_service', value: 'verdict', entries: [], ...map }] };
}

const MISTAKES: readonly (readonly [name: string, table: Table, error: RegExp])[] = [
  ['a table name with a space', { ...EMPTY, name: 'a b' }, /inet a b: 'a b' is not a name/],
  ['two chains of one name', chained({ name: 'c', rules: [] }, { name: 'c', rules: [] }), /'c' twice/],
  ['a set and a map of one name', { ...withSet({ name: 'm' }), maps: withMap({}).maps }, /'m' twice/],
  ['a rule without statements', rule(), /inet t \/ chain c \/ rule 1: no statements/],
  ['statements behind a verdict', rule(drop, accept), /rule 1: statements behind a verdict/],
  ['an unknown counter', rule(count('no'), drop), /no counter 'no'/],
  ['an unknown set', rule(match(payload('ip', 'saddr'), setRef('no')), drop), /no set '@no'/],
  ['an unknown chain', rule(jump('no')), /no chain 'no'/],
  ['a jump to a base chain', rule(goto('c')), /'c' is a base chain/],
  ['an unknown map', rule(vmap(payload('tcp', 'dport'), 'no')), /no map '@no'/],
  [
    'a map of values as verdict map',
    { ...rule(vmap(payload('tcp', 'dport'), 'm')), maps: withMap({ value: 'mark' }).maps },
    /'@m' holds mark/,
  ],
  [
    'a host name as address',
    rule(match(payload('ip', 'daddr'), 'example.com'), drop),
    /'example.com' is not of type ipv4_addr/,
  ],
  [
    'a host name in an anonymous set',
    rule(match(payload('ip', 'daddr'), anyOf('1.2.3.4', 'localhost')), drop),
    /'localhost'/,
  ],
  [
    'a host name for the kernel',
    rule(match(payload('ip6', 'daddr'), 'fe80::1%lan0'), drop),
    /not of type ipv6_addr/,
  ],
  [
    'a service name as port',
    rule(match(payload('tcp', 'dport'), 'http'), drop),
    /'http' is not of type inet_service/,
  ],
  [
    'a port out of range',
    rule(match(payload('tcp', 'dport'), 70_000), drop),
    /'70000' is not of type inet_service/,
  ],
  [
    'host bits in a prefix',
    rule(match(payload('ip', 'saddr'), prefix('10.1.0.0', 8)), drop),
    /10\.1\.0\.0\/8 has host bits/,
  ],
  [
    'a range that is a prefix',
    rule(match(payload('ip', 'saddr'), range('10.0.0.0', '10.0.0.255')), drop),
    /write it as one/,
  ],
  ['a falling range', rule(match(payload('tcp', 'dport'), range(90, 80)), drop), /is not rising/],
  ['an anonymous set of one', rule(match(meta('iifname'), anyOf('lan0')), drop), /fewer than two/],
  ['an interface name with a quote', rule(match(meta('iifname'), 'a"b'), drop), /is not an interface name/],
  ['a value that is no word', rule(match(meta('l4proto'), 'tcp; accept'), drop), /the value 'tcp; accept'/],
  ['fib without flags', rule(match(fib('type'), 'local'), drop), /fib without flags/],
  ['a limit of zero', rule(limit(0, 'second', 5), drop), /a limit of 0/],
  ['a mark of 33 bits', rule(setCtMark(2 ** 32), drop), /the mark 4294967296/],
  ['redirect in a filter chain', rule(redirect(80)), /redirect outside a nat chain/],
  ['a comment with a newline', ruled({ comment: 'a\nb', statements: [drop] }), /control characters/],
  [
    'a comment of 128 bytes',
    ruled({ comment: 'ü'.repeat(64), statements: [drop] }),
    /a comment of 128 bytes/,
  ],
  [
    'a hook that the family has not',
    based({ hook: 'egress', device: 'lan0' }),
    /family inet has no hook egress/,
  ],
  ['ingress without device', based({ hook: 'ingress' }, 'netdev'), /hook ingress needs a device/],
  ['input with device', based({ device: 'lan0' }), /hook input takes no device/],
  [
    'nat before connection tracking',
    based({ type: 'nat', hook: 'prerouting', priority: -300 }),
    /nat before connection tracking/,
  ],
  ['nat in forward', based({ type: 'nat', hook: 'forward' }), /no nat at hook forward/],
  ['a route chain at input', based({ type: 'route' }), /a route chain is at output only/],
  ['half a priority', based({ priority: 0.5 }), /priority 0\.5/],
  [
    'a prefix in a set without intervals',
    withSet({ elements: [prefix('10.0.0.0', 8)] }),
    /not an interval set/,
  ],
  ['a member of another type', withSet({ elements: [80] }), /inet t \/ set s: '80' is not of type ipv4_addr/],
  [
    'a concatenation of another length',
    withSet({ type: ['ipv4_addr', 'inet_service'], elements: [{ concat: ['1.2.3.4'] }] }),
    /1 parts for 2 types/,
  ],
  ['a MAC in capitals', withSet({ type: 'ether_addr', elements: ['0A:00:00:00:00:01'] }), /ether_addr/],
  ['a verdict map to nowhere', withMap({ entries: [[80, { goto: { target: 'no' } }]] }), /no chain 'no'/],
  ['a value in a verdict map', withMap({ entries: [[80, 5]] }), /a value in a verdict map/],
  [
    'a verdict in a map of values',
    withMap({ value: 'mark', entries: [[80, { drop: null }]] }),
    /a verdict in a map of values/,
  ],
  [
    'chains that jump in a circle',
    chained(
      { name: 'c', base: BASE, rules: [{ statements: [jump('a')] }] },
      { name: 'a', rules: [{ statements: [jump('b')] }] },
      { name: 'b', rules: [{ statements: [goto('a')] }] },
    ),
    /in a circle: c > a > b > a/,
  ],
];

for (const [name, table, error] of MISTAKES) {
  test(`refused before nft sees it: ${name}`, (t) => {
    const thrown = t.throws(() => validateTable(table), { instanceOf: NftError });
    t.is(thrown?.code, 'invalid');
    t.regex(thrown?.message ?? '', error);
  });
}

test('everything the builder knows is valid', (t) => {
  t.notThrows(() => validateTable(INET));
  t.notThrows(() => validateTable(NETDEV));
});

test('a replacement is add, delete, add with content; an invalid table never gets in', (t) => {
  const transaction = new Transaction().replaceTable(EMPTY);
  const table = { table: { family: 'inet', name: 't' } };
  t.deepEqual(transaction.toJSON().nftables.slice(1), [{ add: table }, { delete: table }, { add: table }]);
  const broken = new Transaction();
  t.throws(() => broken.replaceTable(rule(jump('no'))), { instanceOf: NftError });
  t.true(broken.empty);
});

test('members are added and removed by type', (t) => {
  const set: NftSet = { name: 's', type: 'mark', elements: [] };
  const transaction = new Transaction()
    .addElements(EMPTY, set, [7])
    .deleteElements(EMPTY, set, [8])
    .addElements(EMPTY, set, []);
  const element = (elem: number[]) => ({ element: { family: 'inet', table: 't', name: 's', elem } });
  t.deepEqual(transaction.toJSON().nftables.slice(1), [{ add: element([7]) }, { delete: element([8]) }]);
  t.throws(() => transaction.addElements(EMPTY, set, ['x']), {
    message: /inet t \/ set s: 'x' is not of type mark/,
  });
});
