import test from 'ava';
import { bytesOf, readAnswer } from './read.ts';

function answer(text: string, method = 'GET') {
  return readAnswer([bytesOf(text)], method).result;
}

function headed(...lines: readonly string[]) {
  return answer(`${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`);
}

const LINES: readonly (readonly [line: string, result: unknown])[] = [
  ['HTTP/1.1 200 OK', { status: 200, reason: 'OK', minor: 1 }],
  ['HTTP/1.0 404 Not  found ', { status: 404, reason: 'Not  found', minor: 0 }],
  ['HTTP/1.1 200', { status: 200, reason: '', minor: 1 }],
  ['HTTP/1.1 200 ', { status: 200, reason: '', minor: 1 }],
  ['HTTP/1.1  200   OK', { status: 200, reason: 'OK' }],
  ['http/1.1 200 ok', { status: 200, reason: 'ok' }],
  ['HTTP/1.7 299 \xe4', { status: 299, reason: '\xe4', minor: 1 }],
  ['ICY 200 OK', { status: 200, reason: 'OK', minor: 0 }],
];

for (const [line, result] of LINES) {
  test(`the status line ${JSON.stringify(line)} is read as ${JSON.stringify(result)}`, (t) => {
    t.like(answer(`${line}\r\n\r\n`), result as object);
    t.like(answer(`\r\n\n${line}\n\n`), result as object);
  });
}

for (const line of [
  ...['rubbish', '<html>', 'HTTP/1.1 20 OK', 'HTTP/1.1 2000 OK', 'HTTP/2 200', 'HTTP/2.0 200 OK', 'HTTP/1.1'],
  ...['HTTP/1.1 000 x', 'HTTP/1.1 200OK', ' HTTP/1.1 200 OK', 'HTTP/1.1 200 O\x00K', 'HTTP 200 OK', 'ICY'],
]) {
  test(`the status line ${JSON.stringify(line)} is refused`, (t) => {
    t.is(answer(`${line}\r\n\r\n`), 'invalid');
  });
}

const REPAIRS: readonly (readonly [lines: readonly string[], headers: readonly string[] | string])[] = [
  [
    ['X-A : b', 'X-B\t: c'],
    ['X-A', 'b', 'X-B', 'c'],
  ],
  [
    ['X-A: 1', ' 2', '\t3 ', ' ', 'X-B:', ' 4'],
    ['X-A', '1 2 3', 'X-B', '4'],
  ],
  [
    [' folded: first', 'X: 1'],
    ['X', '1'],
  ],
  [
    ['X: 1', 'nonsense', ' folded: too', 'Y: 2'],
    ['X', '1', 'Y', '2'],
  ],
  [
    ['X Y: 1', ': 1', '<b>: 1', 'X: \xa0y\xa0'],
    ['X', '\xa0y\xa0'],
  ],
  [['Set-Cookie: a=\x01b\x7f'], ['Set-Cookie', 'a=\x01b\x7f']],
  [['X: 1\rSet-Cookie: a=b'], ['X', '1 Set-Cookie: a=b']],
  [['X: 1\r\rY: 2'], ['X', '1  Y: 2']],
  [['X: 1\nY: 2'], ['X', '1', 'Y', '2']],
  [['X: a\x00b'], 'invalid'],
];

for (const [lines, headers] of REPAIRS) {
  test(`of ${JSON.stringify(lines)} remains ${JSON.stringify(headers)}`, (t) => {
    const result = headed(...lines);
    t.deepEqual(typeof result === 'string' ? result : result?.headers, headers);
  });
}

const [LENGTH_5, CHUNKED, UNTIL_CLOSE, NONE] = [
  { kind: 'length', length: 5 },
  { kind: 'chunked' },
  { kind: 'until-close' },
  { kind: 'none' },
];
const FIVE = ['Content-Length', '5'];

const FRAMINGS: readonly (readonly [
  lines: readonly string[],
  framing: unknown,
  keep?: boolean,
  left?: string[],
])[] = [
  [[], UNTIL_CLOSE, false],
  [['Content-Length: 5'], LENGTH_5, true, FIVE],
  [['Content-Length: 5', 'Connection: Close'], LENGTH_5, false],
  [['Content-Length: 5', 'content-length: 5'], LENGTH_5, true, FIVE],
  [['Content-Length: 5, 5'], LENGTH_5, true, FIVE],
  [['Content-Length: 5, 5', 'Content-Length: 5'], LENGTH_5, true, FIVE],
  [['Content-Length: 5', 'Content-Length: 6'], 'framing'],
  [['Content-Length: 5, 6'], 'framing'],
  [['Content-Length: 5', 'Content-Length: 05'], 'framing'],
  ...['', '-1', '+5', '5a', '5.0', '1e3', '9999999999999999'].map(
    (value) => [[`Content-Length: ${value}`], 'framing'] as const,
  ),
  [['Transfer-Encoding: chunked'], CHUNKED, true],
  [['Transfer-Encoding: Chunked', 'Transfer-Encoding: chunked'], CHUNKED, true],
  [['Transfer-Encoding: chunked', 'Content-Length: 5'], 'framing'],
  [['Transfer-Encoding: identity', 'Content-Length: 5'], LENGTH_5, true],
  [['Transfer-Encoding: identity'], UNTIL_CLOSE],
  [['Transfer-Encoding: gzip'], 'framing'],
  [['Transfer-Encoding: gzip, chunked'], 'framing'],
  [['Transfer-Encoding: xchunked'], 'framing'],
];

for (const [lines, framing, keep, left] of FRAMINGS) {
  test(`the framing of ${JSON.stringify(lines)}`, (t) => {
    const result = headed(...lines);
    if (typeof result !== 'object') {
      t.is(result as unknown, framing);
      return;
    }
    t.deepEqual(result.framing, framing as typeof result.framing);
    if (keep !== undefined) t.is(result.keep, keep);
    if (left !== undefined) t.deepEqual([...result.headers], left);
  });
}

test('an answer that can have no body has none, whatever it says', (t) => {
  const says = 'Content-Length: 5\r\nContent-Length: 6\r\n\r\n';
  t.like(answer(`HTTP/1.1 200 OK\r\n${says}`, 'HEAD'), { framing: NONE, headers: [] });
  for (const status of [100, 103, 204, 304])
    t.like(answer(`HTTP/1.1 ${status} x\r\n${says}`), { framing: NONE, headers: [] });
  t.like(answer('HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n'), { framing: NONE, keep: true, headers: FIVE });
});

test('HTTP/1.0 and ICY end with the connection, unless they say that they stay', (t) => {
  t.like(answer('HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n'), { keep: false });
  t.like(answer('HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n'), { keep: true });
  t.like(answer('HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n'), {
    keep: false,
    framing: CHUNKED,
  });
  t.like(answer('ICY 200 OK\nicy-metaint:8192\n\n'), { keep: false, framing: UNTIL_CLOSE });
});

test('more than a hundred headers pass; there are bounds all the same', (t) => {
  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-${i}: 1`);
  const result = headed(...many(999));
  t.is(typeof result === 'object' ? result.headers.length : 0, 2 * 999);
  t.is(headed(...many(1_001)), 'too-large');
  t.is(headed(`X: ${'y'.repeat(66_000)}`), 'too-large');
  t.is(answer('x'.repeat(70_000)), 'too-large');
});

test('a line of nothing but folds costs no more than its bytes', (t) => {
  const folds = '\n a'.repeat(20_000);
  const begun = performance.now();
  for (let round = 0; round < 20; round++)
    t.is(typeof answer(`HTTP/1.1 200 OK\r\nX: 1${folds}\n\n`), 'object');
  t.true(performance.now() - begun < 2_000);
});
