import test from 'ava';
import { pair } from '../support/fixture.ts';
import { probe } from '../support/raw-client.ts';

/** A small deterministic generator (mulberry32): a failure can be looked at again. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const STARTS = [
  'GET http://a.i2p/ HTTP/1.1',
  'POST http://a.i2p/x HTTP/1.1',
  'HEAD http://b.i2p:8080/ HTTP/1.0',
  'CONNECT a.i2p:443 HTTP/1.1',
  'CONNECT a.i2p:80 HTTP/1.1',
  'OPTIONS http://a.i2p/ HTTP/1.1',
  'TRACE http://a.i2p/ HTTP/1.1',
  'GET /inner HTTP/1.1',
];
const HEADERS = [
  ...[
    'Host: a.i2p',
    'Host: evil.example',
    'Connection: keep-alive',
    'Connection: close, Host',
    'Connection: Upgrade',
  ],
  ...['Upgrade: websocket', 'Upgrade: h2c', 'Content-Length: 5', 'Content-Length: 0', 'Content-Length: 5, 5'],
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: identity',
    'Transfer-Encoding : chunked',
    'TE: trailers',
  ],
  ...[
    'Expect: 100-continue',
    'Max-Forwards: 0',
    'Referer: http://b.i2p/',
    'X-A: \x80\xff',
    ' folded',
    'X-A:1',
  ],
];
const TAILS = [
  '',
  'abcde',
  '5\r\nabcde\r\n0\r\n\r\n',
  '0\r\n\r\n',
  '\r\n',
  '\x00\x01',
  'GET http://a.i2p/2 HTTP/1.1\r\nHost: a.i2p\r\n\r\n',
];

function requestBytes(below: (n: number) => number): string {
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const lines = [pick(STARTS), ...Array.from({ length: below(5) }, () => pick(HEADERS))];
  let text = `${lines.join('\r\n')}\r\n\r\n${pick(TAILS)}`;
  for (let change = below(3); change > 0; change--) {
    const at = below(text.length);
    text =
      text.slice(0, at) +
      pick(['', '\r', '\n', '\0', ' ', ':', '\xff', '/', '@', '\t']) +
      text.slice(at + below(2));
  }
  return text.repeat(1 + below(2));
}

/** Faults of what a parent was sent: every request must be read in one way only, and be for the host of its line. */
function faultsOf(head: string): string[] {
  const [line = '', ...headers] = head.split('\r\n');
  const values = (name: string): string[] =>
    headers
      .filter((header) => header.toLowerCase().startsWith(`${name}:`))
      .map((header) => header.slice(name.length + 1).trim());
  const authority = /^[A-Z]+ (?:http:\/\/([^/]+)\/\S*|(\S+:\d+)) HTTP\/1\.1$/.exec(line);
  const out: string[] = [];
  if (authority === null) out.push('line');
  const hosts = values('host');
  const expected = authority?.[1] ?? authority?.[2]?.replace(/:443$/, '') ?? '';
  if (hosts.length !== 1 || hosts[0]?.replace(/:443$/, '') !== expected) out.push('host');
  if (values('content-length').length + values('transfer-encoding').length > 1) out.push('framing');
  if (/[^\r]\n|\r[^\n]|\0/.test(head)) out.push('bytes');
  if (values('referer').some((value) => value.includes('.i2p'))) out.push('referer');
  if (headers.some((header) => !/^[\w!#$%&'*+.^`|~-]+: ?[\t\x20-\x7e\x80-\xff]*$/.test(header)))
    out.push('header');
  return out;
}

test('whatever a client sends: no fault of ours, and what goes upstream can be read in one way only', async (t) => {
  t.timeout(90_000);
  const { port, parent, ours } = await pair(t);
  const below = generator(7);
  const faults: unknown[] = [];
  let passed = 0;
  parent.answer = (head) => {
    passed++;
    const found = faultsOf(head.slice(0, -4));
    if (found.length > 0) faults.push({ found, head });
    // A tunnel would be a blind pipe; a refused one must be none.
    if (head.startsWith('CONNECT')) return 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n';
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
  };
  for (let batch = 0; batch < 25; batch++) {
    const requests = Array.from({ length: 20 }, () => requestBytes(below));
    await Promise.all(requests.map((bytes) => probe(port, bytes, { quietMs: 60, limitMs: 250 })));
  }
  t.deepEqual(faults, []);
  t.is(ours.forwarder.counters.get('fault'), 0);
  t.true(passed > 50, `${passed} went upstream`);
  t.regex((await probe(port, 'GET http://a.i2p/ HTTP/1.1\r\nHost: a.i2p\r\n\r\n')).text, /^HTTP\/1\.1 200 /);
});
