import { createHash } from 'node:crypto';
import { toBase64 } from '@allium/common/bytes/text.ts';
import test from 'ava';
import fc from 'fast-check';
import { sortHostName } from '../../../services/router/client/host-name.ts';
import {
  HOSTS_FILE_MAX,
  HostsFileError,
  parseHostsFile,
} from '../../../services/router/client/hosts-file.ts';
import { Naming, parseDestination, SESSION_NAMES_MAX } from '../../../services/router/client/naming.ts';
import { base32Name, targetHash } from '../../../services/router/client/target.ts';
import { createDestinationKeys } from '../../../services/router/wire/destination.ts';
import { recordedEntropy } from '../../support/entropy.ts';

const { destination } = createDestinationKeys(recordedEntropy('naming'));
const other = createDestinationKeys(recordedEntropy('naming, other')).destination;
const BASE64 = toBase64(destination.raw);
const B32 = base32Name(destination.hash);

const NAMES: readonly (readonly [text: string, kind: string])[] = [
  ['foo.i2p', 'name'],
  ['FOO.I2P', 'name'],
  ['foo.i2p.', 'name'],
  ['www.foo.i2p', 'name'],
  ['xn--tst-qla.i2p', 'name'],
  ['a.xn--tst-qla.i2p', 'name'],
  ['1e100.i2p', 'name'],
  [`${'a'.repeat(63)}.i2p`, 'name'],
  [`${'a'.repeat(64)}.i2p`, 'invalid'],
  ['-foo.i2p', 'invalid'],
  ['.foo.i2p', 'invalid'],
  ['foo..i2p', 'invalid'],
  ['foo.i2p..', 'outside'],
  ['foo-.bar.i2p', 'invalid'],
  ['foo.-bar.i2p', 'invalid'],
  ['foo--bar.i2p', 'invalid'],
  ['axn--b.i2p', 'invalid'],
  ['f_o.i2p', 'invalid'],
  ['tést.i2p', 'invalid'],
  ['foo\n.i2p', 'invalid'],
  ['i2p', 'invalid'],
  ['b32.i2p', 'invalid'],
  ['proxy.i2p', 'reserved'],
  ['a.PROXY.i2p', 'reserved'],
  ['router.i2p', 'reserved'],
  ['console.i2p', 'reserved'],
  ['mail.i2p', 'reserved'],
  ['hotmail.i2p', 'name'],
  [B32, 'base32'],
  [B32.toUpperCase(), 'base32'],
  [`www.${B32}`, 'invalid'],
  [`${'a'.repeat(51)}.b32.i2p`, 'invalid'],
  [`${'a'.repeat(55)}.b32.i2p`, 'invalid'],
  [`${'a'.repeat(56)}.b32.i2p`, 'encrypted'],
  [`${'a'.repeat(62)}.b32.i2p`, 'encrypted'],
  [`${'1'.repeat(52)}.b32.i2p`, 'invalid'],
  ['example.org', 'outside'],
  ['foo.i2p.example.org', 'outside'],
  ['fooi2p', 'outside'],
  ['127.0.0.1', 'outside'],
  ['', 'outside'],
];

for (const [text, kind] of NAMES) {
  test(`the name ${JSON.stringify(text)} is ${kind}`, (t) =>
    t.is<string, string>(sortHostName(text).kind, kind));
}

test('a Base32 name is the hash of the destination', (t) => {
  const hash = createHash('sha256').update(destination.raw).digest();
  const resolution = new Naming().resolve(B32.toUpperCase());
  t.is(resolution.kind, 'found');
  if (resolution.kind === 'found') t.is<string, string>(targetHash(resolution.target), toBase64(hash));
});

test('a Base32 name with bits beyond the hash is invalid', (t) => {
  t.is(new Naming().resolve(`${'a'.repeat(51)}b.b32.i2p`).kind, 'invalid');
});

test('a name of an encrypted LeaseSet is told apart from an unknown one', (t) => {
  t.deepEqual(new Naming().resolve(`${'a'.repeat(56)}.b32.i2p`), {
    kind: 'unsupported',
    why: 'encrypted LeaseSet',
  });
});

test('a hosts file gives its names in lower case, without comments and properties', (t) => {
  const hosts = parseHostsFile(
    `# book\n\nFoo.i2p=${BASE64}\r\n  bar.i2p = ${toBase64(other.raw)} # a friend\nbaz.i2p=${BASE64}#!date=1\n#!action=remove`,
    'hosts.txt',
  );
  t.deepEqual([...hosts.keys()], ['foo.i2p', 'bar.i2p', 'baz.i2p']);
  t.deepEqual([...hosts.values()].map(targetHash), [destination.hash, other.hash, destination.hash]);
  const naming = new Naming(hosts);
  t.is(naming.resolve('FOO.i2p.').kind, 'found');
  t.is(naming.resolve('nobody.i2p').kind, 'unknown');
});

const BAD_LINES: readonly (readonly [line: string, why: RegExp])[] = [
  ['foo.i2p', /form name=destination/],
  [`=${BASE64}`, /\.i2p/],
  [`foo.example=${BASE64}`, /does not end with/],
  [`foo_.i2p=${BASE64}`, /invalid/],
  [`proxy.i2p=${BASE64}`, /reserved/],
  [`${B32}=${BASE64}`, /stand for themselves/],
  ['foo.i2p=', /too short/],
  [`foo.i2p=${B32}`, /too short/],
  [`foo.i2p=${BASE64.slice(0, -4)}`, /not a destination/],
  [`foo.i2p=${BASE64.replace(/^./, '+')}`, /not a destination/],
  [`foo.i2p=${BASE64}AAAA`, /not a destination/],
  [`foo.i2p=${BASE64}${'A'.repeat(200)}`, /too long/],
];

for (const [index, [line, why]] of BAD_LINES.entries()) {
  test(`bad line ${index} of a hosts file is refused with its number: ${why.source}`, (t) => {
    const error = t.throws(() => parseHostsFile(`# one\ngood.i2p=${BASE64}\n${line}\n`, '/etc/hosts.txt'), {
      instanceOf: HostsFileError,
      message: why,
    });
    t.is(error?.detail.line, 3);
    t.regex(error?.message ?? '', /^\/etc\/hosts\.txt:3: /);
  });
}

test('a name that is there twice is refused, in any case', (t) => {
  const error = t.throws(() => parseHostsFile(`foo.i2p=${BASE64}\nFOO.i2p=${BASE64}`, 'h'), {
    instanceOf: HostsFileError,
  });
  t.is(error?.detail.line, 2);
});

test('a hosts file over its limit is refused before it is read', (t) => {
  t.throws(() => parseHostsFile(' '.repeat(HOSTS_FILE_MAX + 1), 'h'), { instanceOf: HostsFileError });
});

test('names learnt never replace known ones, and are bounded', (t) => {
  const naming = new Naming(new Map([['known.i2p', { destination }]]));
  t.false(naming.learn('known.i2p', { destination: other }));
  t.false(naming.learn('proxy.i2p', { destination: other }));
  t.true(naming.learn('New.i2p', { destination: other }));
  t.false(naming.learn('new.i2p', { destination }));
  t.deepEqual(naming.resolve('new.i2p'), { kind: 'found', target: { destination: other } });
  for (let i = 0; i < SESSION_NAMES_MAX; i++) naming.learn(`n${i}.i2p`, { destination });
  t.is(naming.resolve('new.i2p').kind, 'unknown');
  t.is(naming.resolve('n1.i2p').kind, 'found');
});

test('a destination is read as Base64 with or without padding, and as Base32', (t) => {
  for (const text of [BASE64, BASE64.replace(/=+$/, ''), B32]) {
    const read = parseDestination(text);
    t.false('why' in read);
    if (!('why' in read)) t.is(targetHash(read), destination.hash);
  }
  t.deepEqual(parseDestination(`${'a'.repeat(56)}.b32.i2p`), { why: 'encrypted LeaseSet' });
  for (const text of ['', 'foo.i2p', 'x', `${BASE64}A`, BASE64.slice(4), B32.slice(1)]) {
    t.deepEqual(parseDestination(text), { why: 'bad' });
  }
});

test('no text whatever makes a lookup throw', (t) => {
  const naming = new Naming();
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((s) => `${s}.i2p`),
        fc.string().map((s) => `${s}.b32.i2p`),
      ),
      (text) => {
        naming.resolve(text);
        parseDestination(text);
      },
    ),
  );
  t.pass();
});

test('no bytes in Base64 make a destination throw', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 380, maxLength: 480 }), (bytes) => {
      parseDestination(toBase64(bytes));
    }),
  );
  fc.assert(
    fc.property(fc.nat({ max: destination.raw.length * 8 - 1 }), (bit) => {
      const bytes = Buffer.from(destination.raw);
      bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      const read = parseDestination(toBase64(bytes));
      if (!('why' in read)) t.not(targetHash(read), destination.hash);
    }),
  );
  t.pass();
});
