import { toBase64 } from '@allium/common/bytes/text.ts';
import test from 'ava';
import fc from 'fast-check';
import { base32Name, base32Of } from '../../../services/router/names/destination-text.ts';
import {
  FAULTS_NAMED_MAX,
  HOSTS_FILE_MAX,
  HOSTS_MAX,
  readHostsFile,
} from '../../../services/router/names/hosts-file.ts';
import { createDestinationKeys } from '../../../services/router/wire/destination.ts';
import { recordedEntropy } from '../../support/entropy.ts';

const { destination } = createDestinationKeys(recordedEntropy('hosts'));
const other = createDestinationKeys(recordedEntropy('hosts, other')).destination;
const BASE64 = toBase64(destination.raw);
const OTHER = toBase64(other.raw);
const B32 = base32Name(destination.hash);

test('a hosts file gives its names in lower case, without comments and properties', (t) => {
  const { names, bad } = readHostsFile(
    [
      '\ufeff# book',
      '',
      `Foo.i2p=${BASE64}\r`,
      `  bar.i2p = ${OTHER} # a friend`,
      `baz.i2p=${BASE64}#!date=1#sig=x`,
      '#!action=remove#name=foo.i2p',
      `;old.i2p=${BASE64}`,
      `xn--tst-qla.i2p=${BASE64}`,
    ].join('\n'),
  );
  t.deepEqual(
    [...names],
    [
      ['foo.i2p', destination.hash],
      ['bar.i2p', other.hash],
      ['baz.i2p', destination.hash],
      ['xn--tst-qla.i2p', destination.hash],
    ],
  );
  t.is(bad, 0);
});

test('a destination may be Base32, with or without its ending, and Base64 without padding', (t) => {
  for (const text of [B32, base32Of(destination.hash), B32.toUpperCase(), BASE64.replace(/=+$/, '')]) {
    t.is(readHostsFile(`foo.i2p=${text}`).names.get('foo.i2p'), destination.hash, text);
  }
});

const BAD_LINES: readonly (readonly [line: string, why: RegExp, name: string | undefined])[] = [
  ['foo.i2p', /form name=destination/, undefined],
  [`=${BASE64}`, /not a host name/, ''],
  [`foo.example=${BASE64}`, /does not end with/, 'foo.example'],
  [`foo_.i2p=${BASE64}`, /invalid/, 'foo_.i2p'],
  [`tést.i2p=${BASE64}`, /invalid/, 'tést.i2p'],
  [`proxy.i2p=${BASE64}`, /reserved/, 'proxy.i2p'],
  [`${B32}=${BASE64}`, /stand for themselves/, B32],
  [`x.oc.b32.i2p=${BASE64}`, /not a Base32 name/, 'x.oc.b32.i2p'],
  ['foo.i2p=', /too short/, 'foo.i2p'],
  [`foo.i2p=${B32.slice(1)}`, /too short/, 'foo.i2p'],
  [`foo.i2p=${'a'.repeat(51)}b`, /not a Base32 name/, 'foo.i2p'],
  [`foo.i2p=${'a'.repeat(56)}.b32.i2p`, /encrypted/, 'foo.i2p'],
  [`foo.i2p=${BASE64.slice(0, -4)}`, /not a destination/, 'foo.i2p'],
  [`foo.i2p=${BASE64.replace(/^./, '+')}`, /not a destination/, 'foo.i2p'],
  [`foo.i2p=${BASE64}AAAA`, /not a destination/, 'foo.i2p'],
  [`foo.i2p=${BASE64}${'A'.repeat(200)}`, /too long/, 'foo.i2p'],
];

for (const [index, [line, why, name]] of BAD_LINES.entries()) {
  test(`bad line ${index} of a hosts file costs itself only and is named: ${why.source}`, (t) => {
    const { names, bad, faults } = readHostsFile(`# one\ngood.i2p=${BASE64}\n${line}\nbetter.i2p=${OTHER}\n`);
    t.deepEqual([...names.keys()], ['good.i2p', 'better.i2p']);
    t.is(bad, 1);
    t.is(faults[0]?.line, 3);
    t.is(faults[0]?.name, name);
    t.regex(faults[0]?.why ?? '', why);
    if (name) t.false(faults[0]?.why.includes(name));
  });
}

test('of two lines with one name the first holds, and the second is bad unless it says the same', (t) => {
  const { names, bad, faults } = readHostsFile(`foo.i2p=${BASE64}\nFOO.i2p=${B32}\nfoo.i2p=${OTHER}`);
  t.deepEqual([...names], [['foo.i2p', destination.hash]]);
  t.is(bad, 1);
  t.like(faults[0], { line: 3, name: 'foo.i2p' });
});

test('public lists put together: 500 lines with some of everything', (t) => {
  const good = Array.from({ length: 240 }, (_, at) => `site-${at}.i2p=${at % 2 ? BASE64 : OTHER}`);
  const strange = [`f_o.i2p=${BASE64}`, `cut.i2p=${BASE64.slice(0, 300)}`, `b.i2p=${base32Of(other.hash)}`];
  const file = readHostsFile([...good, ...strange, ...good, `site-1.i2p=${OTHER}`].join('\r\n'));
  t.is(file.names.size, 241);
  t.deepEqual(
    file.faults.map(({ line }) => line),
    [241, 242, 484],
  );
});

test('bad lines beyond those that are named are counted', (t) => {
  const { bad, faults } = readHostsFile('nothing\n'.repeat(FAULTS_NAMED_MAX + 50));
  t.is(faults.length, FAULTS_NAMED_MAX);
  t.is(bad, FAULTS_NAMED_MAX + 50);
});

test('names over the limit are bad, and a file over it is not read', (t) => {
  const base32 = base32Of(destination.hash);
  const lines = Array.from({ length: HOSTS_MAX + 3 }, (_, at) => `n${at}.i2p=${base32}`);
  const { names, bad } = readHostsFile(lines.join('\n'));
  t.is(names.size, HOSTS_MAX);
  t.is(bad, 3);
  const huge = readHostsFile(`foo.i2p=${base32}\n`.padEnd(HOSTS_FILE_MAX + 1));
  t.is(huge.names.size, 0);
  t.like(huge.faults[0], { line: 0 });
});

test('no text whatever makes it throw', (t) => {
  const line = fc.oneof(
    fc.string(),
    fc.string().map((text) => `foo.i2p=${text}`),
    fc.uint8Array({ minLength: 380, maxLength: 480 }).map((raw) => `foo.i2p=${toBase64(raw)}`),
    fc.nat({ max: destination.raw.length * 8 - 1 }).map((bit) => {
      const raw = Buffer.from(destination.raw);
      raw[bit >>> 3] = (raw[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      return `bit.i2p=${toBase64(raw)}`;
    }),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const { names } = readHostsFile(lines.join('\n'));
      t.not(names.get('bit.i2p'), destination.hash);
    }),
  );
});
