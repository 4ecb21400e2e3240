import test from 'ava';
import { BodyDecoder, EXTENSION_MAX, TRAILER_MAX } from '../../../services/forwarder/http/body-decoder.ts';
import { bodyEnd, encodeBody, headText } from '../../../services/forwarder/http/encode.ts';
import { bytesOf, readBody } from './read.ts';

const CHUNKED = { kind: 'chunked' } as const;
const whole = (body: string, rest = '') => ({ body, result: 'whole', rest });

test('no body, a length, an end of the connection', (t) => {
  t.deepEqual(readBody({ kind: 'none' }, true, [bytesOf('next')]), {
    body: '',
    result: 'whole',
    rest: 'next',
  });
  t.deepEqual(readBody({ kind: 'length', length: 0 }, true, [bytesOf('next')]), whole('', 'next'));
  t.deepEqual(readBody({ kind: 'length', length: 3 }, true, [bytesOf('abcnext')]), whole('abc', 'next'));
  t.is(readBody({ kind: 'length', length: 3 }, true, [bytesOf('ab')]).result, undefined);
  t.like(readBody({ kind: 'until-close' }, false, [bytesOf('all'), bytesOf(' of it')]), {
    body: 'all of it',
    result: undefined,
  });
});

const SAME_FOR_BOTH: readonly (readonly [text: string, read: ReturnType<typeof whole>])[] = [
  ['0\r\n\r\n', whole('')],
  ['3\r\nabc\r\n0\r\n\r\nnext', whole('abc', 'next')],
  ['3\r\nabc\r\n0a\r\n0123456789\r\n000\r\n\r\n', whole('abc0123456789')],
  ['3;x=y;z\r\nabc\r\n0;last\r\nX: 1\r\nY: 2\r\n\r\nnext', whole('abc', 'next')],
  ['F\r\n0123456789abcde\r\nf\r\n0123456789abcde\r\n0\r\n\r\n', whole('0123456789abcde'.repeat(2))],
];

for (const [text, read] of SAME_FOR_BOTH) {
  test(`chunks: ${JSON.stringify(text)}`, (t) => {
    for (const strict of [true, false])
      t.deepEqual(readBody(CHUNKED, strict, [bytesOf(text)]), read as object as never);
  });
}

const ANSWERS_ONLY = [
  '3\nabc\n0\n\n',
  '3 \r\nabc\r\n0  \r\n\r\n',
  ' 3\r\nabc\r\n0\r\n\r\n',
  '3\t;x\r\nabc\r\n0\r\nX: 1\n\r\n',
];

for (const text of ANSWERS_ONLY) {
  test(`chunks that are taken of a server only: ${JSON.stringify(text)}`, (t) => {
    t.is(readBody(CHUNKED, true, [bytesOf(text)]).result, 'fault');
    t.deepEqual(readBody(CHUNKED, false, [bytesOf(text)]), whole('abc') as never);
  });
}

const NEVER = [
  ...['zz\r\n', '-1\r\n', '0x3\r\nabc', '\r\n', ';x\r\n', '3\r\nabcd\r\n', '3\r\nabc0\r\n\r\n', '3\r\r\nabc'],
  ...[
    '11111111111111\r\n',
    '3\r\nabc\r\r\n',
    '3;\x00\r\nabc',
    '0\r\nX: \x00\r\n\r\n',
    '0\r\n\rx',
    '3\rabc',
    '+3\r\nabc',
  ],
  ...[
    `3;${'x'.repeat(EXTENSION_MAX + 1)}`,
    `0\r\n${'X: 1\r\n'.repeat(TRAILER_MAX / 3)}`,
    ' '.repeat(EXTENSION_MAX + 1),
  ],
];

for (const text of NEVER) {
  test(`no chunks: ${JSON.stringify(text.slice(0, 30))}`, (t) => {
    for (const strict of [true, false])
      t.is(readBody(CHUNKED, strict, [bytesOf(text)]).result, 'fault', `${strict}`);
  });
}

test('a connection that ends is the end of a body only where nothing else says it', (t) => {
  const cut = (
    framing: ConstructorParameters<typeof BodyDecoder>[0],
    strict: boolean,
    text: string,
  ): boolean => {
    const decoder = new BodyDecoder(framing, strict);
    decoder.push(bytesOf(text), []);
    return decoder.end();
  };
  t.true(cut({ kind: 'until-close' }, false, 'abc'));
  t.false(cut({ kind: 'length', length: 4 }, false, 'abc'));
  t.true(cut({ kind: 'length', length: 3 }, false, 'abc'));
  t.false(cut(CHUNKED, false, '3\r\nabc\r\n'));
  t.false(cut(CHUNKED, false, '3\r\nab'));
  t.false(cut(CHUNKED, false, '3\r\nabc\r\n0'));
  t.false(cut(CHUNKED, true, '3\r\nabc\r\n0\r\n'));
  t.true(cut(CHUNKED, false, '3\r\nabc\r\n0\r\n'));
});

test('a body is written as it is or in chunks, and no chunk is empty', (t) => {
  const text = (parts: Buffer[]): string => Buffer.concat(parts).toString('latin1');
  const parts = [bytesOf('abc'), bytesOf('d'.repeat(16))];
  t.is(text(encodeBody(parts, 'plain')), `abc${'d'.repeat(16)}`);
  t.is(text(encodeBody(parts, 'chunked')), `13\r\nabc${'d'.repeat(16)}\r\n`);
  for (const none of [[], [Buffer.alloc(0)]]) t.is(text(encodeBody(none, 'chunked')), '');
  t.is(bodyEnd('plain'), undefined);
  t.is(bodyEnd('chunked')?.toString(), '0\r\n\r\n');
});

test('a head is written line by line, and never with a line end of its own', (t) => {
  t.is(headText('HTTP/1.1 200 OK', ['A', '1', 'B', '']), 'HTTP/1.1 200 OK\r\nA: 1\r\nB: \r\n\r\n');
  t.is(headText('GET / HTTP/1.1', []), 'GET / HTTP/1.1\r\n\r\n');
  for (const bad of ['a\rb', 'a\nb', 'a\0b', 'a\r\nSet-Cookie: b']) {
    t.throws(() => headText(bad, []), { instanceOf: RangeError });
    t.throws(() => headText('x', ['A', bad]), { instanceOf: RangeError });
    t.throws(() => headText('x', [bad, 'A']), { instanceOf: RangeError });
  }
});
