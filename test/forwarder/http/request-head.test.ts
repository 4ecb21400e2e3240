import test from 'ava';
import { METHODS } from '../../../services/forwarder/http/methods.ts';
import { bytesOf, LIMITS, readRequest } from './read.ts';

function request(text: string) {
  return readRequest([bytesOf(text)]).result;
}

function headed(...lines: readonly string[]) {
  return request(`${['GET http://a.i2p/ HTTP/1.1', ...lines].join('\r\n')}\r\n\r\n`);
}

test('a head is read whole: line, headers in order and case, framing, options, expectation', (t) => {
  const text =
    'POST http://a.i2p/x?y HTTP/1.1\r\nhOsT:a.i2p\r\nX-A: \t one two \t\r\nConnection: Keep-Alive, X-b;q=1\r\n' +
    'Connection: ,TE\r\nExpect: 100-Continue\r\nContent-Length: 0012\r\nX-Empty:\r\nX-\xdcml: no\r\n\r\n';
  t.is(request(text), 'invalid');
  t.deepEqual(request(text.replace('X-\xdcml', 'X-Last')), {
    method: 'POST',
    target: 'http://a.i2p/x?y',
    minor: 1,
    headers: [
      ...['hOsT', 'a.i2p', 'X-A', 'one two', 'Connection', 'Keep-Alive, X-b;q=1', 'Connection', ',TE'],
      ...['Expect', '100-Continue', 'Content-Length', '0012', 'X-Empty', '', 'X-Last', 'no'],
    ],
    framing: { kind: 'length', length: 12 },
    connection: ['keep-alive', 'x-b', 'te'],
    expects: 'continue',
  });
});

test('what is behind the head is left alone, and empty lines in front of it are ignored', (t) => {
  const { result, rest } = readRequest([bytesOf('\r\n\r\nGET /x HTTP/1.0\r\n\r\nGET /y HTTP/1.0\r\n\r\n')]);
  t.like(result, { target: '/x', minor: 0, headers: [] });
  t.is(rest, 'GET /y HTTP/1.0\r\n\r\n');
});

test('bytes above 0x7f in a target are percent-encoded, in a value they stay', (t) => {
  t.like(request('GET http://a.i2p/\xd1\x84%20? HTTP/1.1\r\nX: \xd1\xa0\r\n\r\n'), {
    target: 'http://a.i2p/%D1%84%20?',
    headers: ['X', '\xd1\xa0'],
  });
});

test('every method is taken in its own case only', (t) => {
  for (const method of METHODS) {
    t.like(request(`${method} / HTTP/1.1\r\n\r\n`), { method });
    t.is(request(`${method.toLowerCase()} / HTTP/1.1\r\n\r\n`), 'invalid', method);
  }
});

const NOT_A_LINE = [
  ...[
    'FOO / HTTP/1.1',
    'GET /a b HTTP/1.1',
    'GET  / HTTP/1.1',
    ' GET / HTTP/1.1',
    'GET / HTTP/1.1 ',
    'GET /',
  ],
  ...[
    'GET / HTTP/1.2',
    'GET / HTTP/2.0',
    'GET / http/1.1',
    'GET\t/ HTTP/1.1',
    'GET / HTTP/1.10',
    'GET  HTTP/1.1',
  ],
  ...[
    'GET /\x00 HTTP/1.1',
    'GET /\x7f HTTP/1.1',
    'GET /\r HTTP/1.1',
    'nonsense',
    '\x16\x03\x01',
    'SSH-2.0-x',
  ],
];

for (const line of NOT_A_LINE) {
  test(`the request line ${JSON.stringify(line)} is refused`, (t) => {
    t.is(request(`${line}\r\nHost: a\r\n\r\n`), 'invalid');
  });
}

const NOT_A_HEADER = [
  ...['X-A : 1', ' X-A: 1', '\tX-A: 1', ': 1', 'nonsense', 'X A: 1', 'X-A: 1\r2', 'X-A: 1\n2', 'X-A: \x00'],
  ...['X-A: \x01', 'X-A: \x7f', 'X-A: 1\r\n 2', 'X(A: 1', 'X-\xc4: 1', 'Host: a\r\nhost: a', 'X-A: 1\r\r'],
];

for (const line of NOT_A_HEADER) {
  test(`the header ${JSON.stringify(line)} is refused`, (t) => {
    t.is(headed(line), 'invalid');
    t.is(headed('X: 1', line, 'Y: 2'), 'invalid');
  });
}

test('a bare LF is refused as soon as it comes, and so is a byte that can be in no head', (t) => {
  for (const bytes of [
    'GET / HTTP/1.1\n',
    '\n',
    'GET / HTTP/1.1\r\nX: 1\n',
    '\x16',
    'GET / HTTP/1.1\r\nX: \x00',
  ])
    t.is(request(bytes), 'invalid', JSON.stringify(bytes));
  t.is(request('GET / HTTP/1.1\r\nX: 1\r'), undefined);
});

const FRAMINGS: readonly (readonly [lines: readonly string[], framing: unknown])[] = [
  [[], { kind: 'none' }],
  [['Content-Length: 0'], { kind: 'length', length: 0 }],
  [['Transfer-Encoding: Chunked'], { kind: 'chunked' }],
  [['Content-Length: 3', 'Transfer-Encoding: chunked'], 'framing'],
  [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 'framing'],
  ...['3, 3', '+3', '-1', '', '3 3', '0x3', '1234567890123456', '3;', '\xb3'].map(
    (value) => [[`Content-Length: ${value}`], 'framing'] as const,
  ),
  ...['xchunked', 'gzip, chunked', 'chunked, gzip', 'identity', '', 'chunked, chunked'].map(
    (value) => [[`Transfer-Encoding: ${value}`], 'framing'] as const,
  ),
  [['Content-Length: 3', 'Content-Length: 3'], 'framing'],
];

for (const [lines, framing] of FRAMINGS) {
  test(`the framing of ${JSON.stringify(lines)}`, (t) => {
    const result = headed(...lines);
    t.deepEqual(typeof result === 'string' ? result : result?.framing, framing);
  });
}

test('HTTP/1.0 knows no chunks and expects nothing', (t) => {
  t.is(request('POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'), 'framing');
  t.like(request('POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n'), { expects: 'nothing' });
  t.like(request('POST / HTTP/1.1\r\nExpect: much\r\n\r\n'), { expects: 'unknown' });
});

test('bounds: the first line, all bytes, the number of headers, each to the byte', (t) => {
  const line = (length: number): string =>
    `GET /${'x'.repeat(length - 'GET / HTTP/1.1'.length - 2)} HTTP/1.1\r\n`;
  t.is(line(LIMITS.firstLine).length, LIMITS.firstLine);
  t.like(request(`${line(LIMITS.firstLine)}\r\n`), { method: 'GET' });
  t.is(request(`${line(LIMITS.firstLine + 1)}\r\n`), 'line-too-long');
  t.is(request('x'.repeat(LIMITS.firstLine)), 'line-too-long');
  const head = (length: number): string => {
    const rest = 'GET / HTTP/1.1\r\nX: \r\n\r\n';
    return rest.replace('X: ', `X: ${'y'.repeat(length - rest.length)}`);
  };
  t.like(request(head(LIMITS.bytes)), { method: 'GET' });
  t.is(request(head(LIMITS.bytes + 1)), 'too-large');
  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-${i}: 1`);
  t.is(typeof headed(...many(100)), 'object');
  t.is(headed(...many(101)), 'too-large');
});
