import test from 'ava';
import fc from 'fast-check';
import { sortName } from '../../../services/forwarder/socks/sort-name.ts';

const b32 = `${'a'.repeat(52)}.b32.i2p`;
const onion = `${'a'.repeat(56)}.onion`;
const bytes = (text: string): string => Buffer.from(text).toString('latin1');

const NAMES: Readonly<Record<ReturnType<typeof sortName>, readonly string[]>> = {
  i2p: [
    'i2p',
    'foo.i2p',
    'FOO.I2P',
    'foo.i2p.',
    'I2P.',
    'www.foo.i2p',
    b32,
    `${b32}.`,
    'xn--fo-5ja.i2p',
    'f_o.i2p',
  ],
  other: [
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
    '::1',
    '[2001:db8::1]',
  ],
  invalid: [
    '',
    '.',
    '..',
    'foo..i2p',
    'foo.i2p..',
    '.foo.i2p',
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
    bytes('foo．i2p'),
    bytes('foo。i2p'),
    bytes('foo｡i2p'),
    bytes('foo.ｉ２ｐ'),
    bytes('foo.i2p\u200b'),
    bytes('müller.example'),
    `${'a'.repeat(64)}.i2p`,
    `${'a.'.repeat(126)}i2p`,
    `${'a.'.repeat(126)}org`,
    '[::1',
    '::1%lo',
  ],
};

for (const [kind, names] of Object.entries(NAMES)) {
  test(`names that are ${kind}`, (t) => {
    for (const name of names) t.is(sortName(name) as string, kind, JSON.stringify(name));
  });
}

test('whatever is not below .i2p after any usual clean-up is never sorted as something else', (t) => {
  const piece = fc.constantFrom(
    'i2p',
    'I2P',
    'foo',
    '.',
    '..',
    '\0',
    ' ',
    'ｉ２ｐ',
    '．',
    '。',
    'org',
    '\u00ad',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join('');
      if (sortName(bytes(text)) !== 'other') return;
      // What a resolver, an IDNA mapping or a C string would make of it.
      const seen = (text.normalize('NFKC').replaceAll('\u00ad', '').split('\0')[0] ?? '')
        .toLowerCase()
        .trim();
      t.false(/(?:^|\.)i2p\.*$/.test(seen), JSON.stringify(text));
    }),
  );
});
