import test from 'ava';
import fc from 'fast-check';
import { canonicalObjects, canonicalTables, digestOf } from 'nftables-ts/canonical.ts';
import { compare } from 'nftables-ts/compare.ts';
import { codeOf } from 'nftables-ts/errors.ts';
import { type NftObject, tableObjects } from 'nftables-ts/json.ts';
import { belongsTo, devicesInText, parseListing } from 'nftables-ts/listing.ts';
import { parseEvent } from 'nftables-ts/monitor.ts';
import { INET, NETDEV } from './samples.ts';

const OBJECTS = [INET, NETDEV].flatMap(tableObjects);
const MEANT = canonicalTables([INET, NETDEV]);

test('handles, counter values and the order of objects other than rules make no difference', (t) => {
  const listed = OBJECTS.map((object, handle) =>
    Object.fromEntries(
      Object.entries(object).map(([kind, body]) => [
        kind,
        { ...body, handle, ...(kind === 'counter' ? { packets: 5, bytes: 6 } : {}) },
      ]),
    ),
  );
  const isRule = (object: NftObject): boolean => 'rule' in object;
  const shuffled = [...listed.filter((o) => !isRule(o)).reverse(), ...listed.filter(isRule)];
  t.deepEqual(compare(MEANT, canonicalObjects(shuffled)), []);
  t.is(digestOf(canonicalObjects(shuffled)), digestOf(MEANT));
});

test('the order of rules makes a difference', (t) => {
  const swapped = OBJECTS.toReversed();
  t.true(compare(MEANT, canonicalObjects(swapped)).length > 0);
  t.not(digestOf(canonicalObjects(swapped)), digestOf(MEANT));
});

test('nft 1.0 and nft 1.1 write flag lists differently; they are the same', (t) => {
  const rule = (flags: unknown): NftObject[] => [
    {
      rule: {
        family: 'inet',
        table: 't',
        chain: 'c',
        expr: [
          {
            match: {
              op: '==',
              left: { '&': [{ payload: { protocol: 'tcp', field: 'flags' } }, flags] },
              right: 'syn',
            },
          },
        ],
      },
    },
  ];
  t.deepEqual(canonicalObjects(rule(['fin', 'syn'])), canonicalObjects(rule({ '|': ['syn', 'fin'] })));
  t.notDeepEqual(canonicalObjects(rule(['fin', 'syn'])), canonicalObjects(rule(['fin', 'rst'])));
});

test('every object that is taken away, changed or added is named', (t) => {
  fc.assert(
    fc.property(fc.nat({ max: OBJECTS.length - 1 }), (index) => {
      const object = OBJECTS[index] ?? {};
      const [kind = '', body = {}] = Object.entries(object)[0] ?? [];
      const without = compare(MEANT, canonicalObjects(OBJECTS.toSpliced(index, 1)));
      if (without.length === 0) throw new Error(`unseen: ${kind}`);
      const changed = compare(
        MEANT,
        canonicalObjects(OBJECTS.with(index, { [kind]: { ...body, added: true } })),
      );
      if (changed.length !== 1 || changed[0]?.kind !== 'changed') throw new Error(JSON.stringify(changed));
    }),
  );
  const more = [...OBJECTS, { set: { family: 'inet', table: 'sample', name: 'more' } }];
  t.deepEqual(
    compare(MEANT, canonicalObjects(more)).map(({ kind, name }) => [kind, name]),
    [['unexpected', 'set inet sample more']],
  );
});

test('a listing must be what libnftables documents', (t) => {
  t.deepEqual(
    parseListing('{"nftables":[{"metainfo":{"version":"1"}},{"table":{"family":"ip","name":"a"}}]}'),
    [{ table: { family: 'ip', name: 'a' } }],
  );
  for (const text of ['', 'Error', '[]', '{"nftables":[1]}', '{"nftables":{}}'])
    t.throws(() => parseListing(text), { name: 'NftError' }, text);
  t.true(belongsTo({ rule: { family: 'ip', table: 'a' } }, { family: 'ip', name: 'a' }));
  t.false(belongsTo({ rule: { family: 'ip6', table: 'a' } }, { family: 'ip', name: 'a' }));
});

test('devices are read from the text where JSON lacks them', (t) => {
  const text = `table netdev t {
\tchain in {
\t\ttype filter hook ingress device "lan0" priority -500; policy drop;
\t}

\tchain out {
\t\ttype filter hook egress devices = { "up0", "lan0" } priority -500; policy drop;
\t}
}
`;
  t.deepEqual(
    [...devicesInText(text)],
    [
      ['in', ['lan0']],
      ['out', ['up0', 'lan0']],
    ],
  );
});

test('events are read, and what is not understood is an event too', (t) => {
  t.deepEqual(parseEvent('{"add": {"rule": {"family": "inet", "table": "t", "chain": "c", "expr": []}}}'), {
    verb: 'add',
    kind: 'rule',
    family: 'inet',
    table: 't',
  });
  t.deepEqual(parseEvent('{"delete": {"table": {"family": "ip", "name": "t"}}}'), {
    verb: 'delete',
    kind: 'table',
    family: 'ip',
    table: 't',
  });
  t.is(parseEvent(''), undefined);
  t.is(parseEvent('{"metainfo": {"version": "1"}}'), undefined);
  for (const text of ['{', '[]', '{"flush": {}}', '{"add": 1}'])
    t.is(parseEvent(text)?.verb, 'unreadable', text);
});

test('what nft says becomes a code', (t) => {
  const said = {
    'internal:0:0-0: Error: Could not process rule: No such file or directory': 'not-found',
    'internal:0:0-0: Error: No such file or directory; did you mean table ‘t’ in family inet?': 'not-found',
    'internal:0:0-0: Error: Could not process rule: File exists': 'exists',
    'Operation not permitted (you must be root)': 'no-permission',
    'Error: Could not process rule: Device or resource busy': 'busy',
    'Error: Could not process rule: Operation not supported': 'unsupported',
    'internal:0:0-0: Error: Parsing command array at index 0 failed.': 'invalid',
    'internal:0:0-0: Error: Could not resolve hostname: Temporary failure in name resolution': 'invalid',
    'something new': 'failed',
  } as const;
  for (const [text, code] of Object.entries(said)) t.is(codeOf(text), code, text);
});
