import { type HostName, sortHostName } from '@allium/common/text/i2p-name.ts';
import test from 'ava';
import fc from 'fast-check';

const B32 = `${'a'.repeat(52)}.b32.i2p`;
const onion = `${'a'.repeat(56)}.onion`;
/** As SOCKS hands it over. */
const bytes = (text: string): string => Buffer.from(text).toString('latin1');

const NAMES: Readonly<Record<HostName['kind'], readonly string[]>> = {
  name: [
    'foo.i2p',
    'FOO.I2P',
    'foo.i2p.',
    'www.foo.i2p',
    'xn--tst-qla.i2p',
    'a.xn--tst-qla.i2p',
    '1e100.i2p',
    'hotmail.i2p',
    `${'a'.repeat(63)}.i2p`,
  ],
  base32: [B32, B32.toUpperCase(), `${B32}.`],
  encrypted: [`${'a'.repeat(56)}.b32.i2p`, `${'a'.repeat(62)}.b32.i2p`],
  reserved: ['proxy.i2p', 'a.PROXY.i2p', 'router.i2p', 'console.i2p', 'mail.i2p'],
  outside: [
    'example.org',
    'example.org.',
    onion,
    'localhost',
    'foo.i2p.example.org',
    'fooi2p',
    'foo.i2px',
    'foo.xi2p',
    'a_b.example',
    '1.2.3.4',
    '127.0.0.1',
    '::1',
    '[2001:db8::1]',
  ],
  invalid: [
    '',
    '.',
    '..',
    'i2p',
    'I2P.',
    'b32.i2p',
    '-foo.i2p',
    '.foo.i2p',
    'foo..i2p',
    'foo.i2p..',
    'foo-.bar.i2p',
    'foo.-bar.i2p',
    'foo--bar.i2p',
    'axn--b.i2p',
    'f_o.i2p',
    'tést.i2p',
    'foo\n.i2p',
    'foo.i2p\0',
    'foo.i2p\0.example.org',
    'example.org\0.i2p',
    'foo.i2p ',
    ' foo.i2p',
    'foo.i2p\n',
    'foo.i2p:80',
    'foo.i2p/',
    'foo%2ei2p',
    'foo@bar.i2p',
    `www.${B32}`,
    `${'a'.repeat(51)}.b32.i2p`,
    `${'a'.repeat(55)}.b32.i2p`,
    `${'1'.repeat(52)}.b32.i2p`,
    `${'a'.repeat(64)}.b32.i2p`,
    `${'a'.repeat(64)}.i2p`,
    `${'a.'.repeat(126)}i2p`,
    `${'a.'.repeat(126)}org`,
    bytes('foo．i2p'),
    bytes('foo。i2p'),
    bytes('foo｡i2p'),
    bytes('foo.ｉ２ｐ'),
    bytes('foo.i2p\u200b'),
    bytes('müller.example'),
    '[::1',
    '::1%lo',
  ],
};

for (const [kind, names] of Object.entries(NAMES)) {
  for (const name of names) {
    test(`the name ${JSON.stringify(name)} is ${kind}`, (t) =>
      t.is<string, string>(sortHostName(name).kind, kind));
  }
}

test('a name has one spelling', (t) => {
  t.deepEqual(sortHostName('FOO.i2P.'), { kind: 'name', name: 'foo.i2p' });
  t.deepEqual(sortHostName(B32.toUpperCase()), { kind: 'base32', base32: 'a'.repeat(52) });
});

test('whatever is below .i2p after any usual clean-up is never sorted as outside', (t) => {
  const piece = fc.constantFrom(
    ...['i2p', 'I2P', 'foo', '.', '..', '\0', ' ', 'ｉ２ｐ', '．', '。', 'org', '\u00ad'],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join('');
      if (sortHostName(bytes(text)).kind !== 'outside') return;
      // What a resolver, an IDNA mapping or a C string would make of it.
      const seen = (text.normalize('NFKC').replaceAll('\u00ad', '').split('\0')[0] ?? '')
        .toLowerCase()
        .trim();
      t.false(/(?:^|\.)i2p\.*$/.test(seen), JSON.stringify(text));
    }),
  );
});

test('no text whatever makes it throw', (t) => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(text, fc.constantFrom('', '.i2p', '.b32.i2p'), (start, end) => {
      t.truthy(sortHostName(start + end).kind);
    }),
  );
});
