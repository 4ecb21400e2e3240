import { DecodeError } from '@allium/common/bytes/errors.ts';
import test from 'ava';
import fc from 'fast-check';
import { decideConnect } from '../../services/uplink/connect/decide.ts';
import { parseRelayList } from '../../services/uplink/connect/relay-list.ts';

/** Everybody is on this list: only the address counts. */
class Everybody extends Set<string> {
  override has(): boolean {
    return true;
  }
}

const rules = { allowPrivateAddresses: false, relays: new Everybody() };
const verdict = (target: string, extra: Partial<Parameters<typeof decideConnect>[1]> = {}): string => {
  const decision = decideConnect(target, { ...rules, ...extra });
  return decision.kind === 'connect' ? `${decision.host} ${decision.port}` : decision.code;
};

const table: [string, string][] = [
  ['93.184.216.34:443', '93.184.216.34 443'],
  ['[2606:2800:220:1::1]:9001', '2606:2800:220:1::1 9001'],
  ['example.org:443', 'name'],
  ['localhost:1', 'name'],
  ['1.2.3:443', 'name'],
  ['0x7f.1.1.1:80', 'name'],
  ['[::1%eth0]:443', 'name'],
  ['127.0.0.1:443', 'reserved'],
  ['10.1.2.3:443', 'reserved'],
  ['172.31.0.1:443', 'reserved'],
  ['192.168.1.1:443', 'reserved'],
  ['100.64.0.1:443', 'reserved'],
  ['169.254.169.254:80', 'reserved'],
  ['0.0.0.0:443', 'reserved'],
  ['224.0.0.1:443', 'reserved'],
  ['255.255.255.255:443', 'reserved'],
  ['[::1]:443', 'reserved'],
  ['[::ffff:7f00:1]:443', 'reserved'],
  ['[fe80::1]:443', 'reserved'],
  ['[64:ff9b::7f00:1]:443', 'reserved'],
  ['[200::1]:443', 'reserved'],
  ['93.184.216.34', 'malformed'],
  ['93.184.216.34:', 'malformed'],
  ['93.184.216.34:0', 'malformed'],
  ['93.184.216.34:65536', 'malformed'],
  ['93.184.216.34:0443', 'malformed'],
  ['[93.184.216.34]:443', 'malformed'],
  ['2606:2800:220:1::1:443', 'malformed'],
  [':443', 'malformed'],
  ['', 'malformed'],
  ['http://93.184.216.34:80', 'malformed'],
  [`${'1'.repeat(60)}:443`, 'malformed'],
];
for (const [target, expected] of table) {
  test(`CONNECT ${target || '(nothing)'} is ${expected}`, (t) => {
    t.is(verdict(target), expected);
  });
}

test('private addresses are for test networks only', (t) => {
  t.is(verdict('10.1.2.3:443', { allowPrivateAddresses: true }), '10.1.2.3 443');
  t.is(verdict('name.test:443', { allowPrivateAddresses: true }), 'name');
});

test('with a list, only its relays are reached, however they are spelled', (t) => {
  const relays = parseRelayList('93.184.216.34:9001\n\n[2606:2800:220:1:0:0:0:1]:443\n');
  t.is(verdict('93.184.216.34:9001', { relays }), '93.184.216.34 9001');
  t.is(verdict('[2606:2800:220:1::1]:443', { relays }), '2606:2800:220:1::1 443');
  t.is(verdict('93.184.216.34:9002', { relays }), 'not-a-relay');
  t.is(verdict('93.184.216.35:9001', { relays }), 'not-a-relay');
  t.is(verdict('93.184.216.34:9001', { relays: new Set() }), 'not-a-relay');
});

for (const line of [
  'relay.example:9001',
  '1.2.3.4',
  '1.2.3.4:0',
  '1.2.3.4:70000',
  '1.2.3.4:1 # note',
  '[1.2.3.4:1',
]) {
  test(`a relay list with the line ${line} is refused by its number`, (t) => {
    const error = t.throws(() => parseRelayList(`93.184.216.34:9001\n${line}\n`), {
      instanceOf: DecodeError,
    });
    t.is(error?.detail.offset, 2);
  });
}

test('no text whatever leads to a name, a private address or a crash', (t) => {
  const octet = fc.nat(255);
  const address = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'));
  const target = fc.oneof(
    fc.string(),
    fc.tuple(address, fc.nat(70_000)).map(([host, port]) => `${host}:${port}`),
  );
  fc.assert(
    fc.property(target, (text) => {
      const decision = decideConnect(text, rules);
      if (decision.kind === 'refuse') return true;
      const [a = 0, b = 0] = decision.host.split('.').map(Number);
      const isPrivate =
        a === 10 ||
        a === 127 ||
        a === 0 ||
        a >= 224 ||
        (a === 192 && b === 168) ||
        (a === 172 && b >= 16 && b < 32);
      return !isPrivate && decision.port >= 1 && decision.port <= 65_535;
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});
