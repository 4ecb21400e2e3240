import { decode, encode } from '@allium/common/bytes/codec.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import test from 'ava';
import fc from 'fast-check';
import { MAX_MAPPING_ENTRIES, mappingCodec } from '../../../services/router/wire/mapping.ts';
import { stringCodec } from '../../../services/router/wire/string.ts';
import { codecHolds } from '../../support/codec-macro.ts';

const text = fc.string({ unit: 'binary', maxLength: 20 });

function mapping(...entries: readonly string[]): Buffer {
  const content = Buffer.from(entries.join(''), 'latin1');
  return Buffer.concat([Buffer.of(content.length >>> 8, content.length & 0xff), content]);
}

test('a String is a length byte and UTF-8', (t) => {
  codecHolds(t, stringCodec, { value: 'NTCP2', bytes: Buffer.from('\x05NTCP2', 'latin1') });
  codecHolds(t, stringCodec, { value: 'ü€', bytes: Buffer.from('05c3bce282ac', 'hex') });
});

test('a Mapping holds on the layout of the specification', (t) => {
  const value = new Map([
    ['v', '2'],
    ['caps', '46'],
  ]);
  codecHolds(t, mappingCodec, { value, bytes: mapping('\x04caps=\x0246;', '\x01v=\x012;') });
  codecHolds(t, mappingCodec, { value: new Map(), bytes: Buffer.of(0, 0) });
});

test('keys are written in the order of their bytes, however the map was filled', (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(text, text), { selector: ([key]) => key }), (entries) => {
      const bytes = encode(mappingCodec, new Map(entries));
      t.deepEqual(encode(mappingCodec, new Map([...entries].reverse())), bytes);
      const keys = [...decode(mappingCodec, bytes).keys()].map((key) => Buffer.from(key));
      for (const [i, key] of keys.entries()) {
        const next = keys[i + 1];
        if (next) t.is(Buffer.compare(key, next), -1);
      }
    }),
  );
});

test('what is written is read back', (t) => {
  fc.assert(
    fc.property(fc.dictionary(text, text), (entries) => {
      const read = decode(mappingCodec, encode(mappingCodec, new Map(Object.entries(entries))));
      t.is(read.size, Object.keys(entries).length);
      for (const [key, value] of Object.entries(entries)) t.is(read.get(key), value);
    }),
  );
});

test('upper case comes before lower case, as bytes do', (t) => {
  const value = new Map([
    ['netdb.knownRouters', '1'],
    ['netId', '99'],
  ]);
  t.deepEqual([...decode(mappingCodec, encode(mappingCodec, value)).keys()], ['netId', 'netdb.knownRouters']);
});

test('an unsorted Mapping is read: signatures are checked over the bytes as they came', (t) => {
  t.deepEqual([...decode(mappingCodec, mapping('\x01b=\x011;', '\x01a=\x012;')).keys()], ['b', 'a']);
});

for (const [title, bytes, code] of [
  ['a repeated key', mapping('\x01a=\x011;', '\x01a=\x012;'), 'value'],
  ['a missing "="', mapping('\x01a-\x011;'), 'value'],
  ['a missing ";"', mapping('\x01a=\x011,'), 'value'],
  [
    'a String that runs past the Mapping',
    Buffer.from('0006016 13d ff313b'.replaceAll(' ', ''), 'hex'),
    'short',
  ],
  ['text that is no UTF-8', mapping('\x01\xff=\x011;'), 'value'],
  [
    'more entries than we hold',
    mapping(...Array.from({ length: MAX_MAPPING_ENTRIES + 1 }, (_, i) => `\x03${100 + i}=\x00;`)),
    'length',
  ],
] as const) {
  test(`${title} is refused`, (t) => {
    const error = t.throws(() => decode(mappingCodec, bytes), { instanceOf: DecodeError });
    t.is(error.code, code);
  });
}

test('a String of more than 255 bytes is a programming error', (t) => {
  t.throws(() => encode(stringCodec, 'ü'.repeat(128)), { instanceOf: RangeError });
});
