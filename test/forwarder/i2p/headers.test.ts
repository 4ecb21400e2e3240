import test from 'ava';
import { siteHeaders } from '../../../services/forwarder/i2p/request-headers.ts';
import { siteAnswerHead } from '../../../services/forwarder/i2p/response-headers.ts';
import {
  serviceAnswerHeaders,
  serviceRequestHeaders,
} from '../../../services/forwarder/i2p/server-headers.ts';
import { parseAbsolute, type RequestUrl } from '../../../services/forwarder/rules/request-url.ts';

const B32 = `${'a'.repeat(52)}.b32.i2p`;

function url(text: string): RequestUrl {
  const read = parseAbsolute(text);
  if (read.kind !== 'url') throw new Error(text);
  return read.url;
}

/** What of `headers` reaches the site, without the fixed tail. */
function sent(headers: string[], target = 'http://foo.i2p/a', method = 'GET'): string[] {
  const out = siteHeaders({
    method,
    url: url(target),
    headers: ['Host', 'foo.i2p', ...headers],
    hostHeader: B32,
  });
  return out.slice(2, out.indexOf('User-Agent'));
}

test('a bare request leaves with the headers that every I2P proxy sends', (t) => {
  const headers = ['Host', 'foo.i2p', 'User-Agent', 'Firefox', 'Cookie', 'a=b', 'Connection', 'keep-alive'];
  t.deepEqual(
    siteHeaders({
      method: 'GET',
      url: url('http://foo.i2p/'),
      headers,
      hostHeader: B32,
    }),
    [
      ...['Host', B32],
      ...['Cookie', 'a=b'],
      ...['User-Agent', 'MYOB/6.66 (AN/ON)'],
      ...['Connection', 'close'],
    ],
  );
});

const HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

const REQUEST_RULES: readonly (readonly [header: string, value: string, sent: string | undefined])[] = [
  ['Cookie', 'a=b', 'a=b'],
  ['If-None-Match', '"x"', '"x"'],
  ['Range', 'bytes=0-1', 'bytes=0-1'],
  ['Accept-Encoding', 'gzip, deflate', 'gzip, deflate'],
  ['Accept', 'text/html,application/xml;q=0.9,*/*;q=0.5', HTML],
  ['Accept', 'image/avif,image/png,*/*', 'image/webp,image/apng,image/*,*/*;q=0.8'],
  ['Accept', 'text/css,*/*;q=0.2', 'text/css,*/*;q=0.1'],
  ['Accept', 'text/html,image/webp', 'text/html,image/webp'],
  ['Accept', 'application/json', 'application/json'],
  ['Accept-Language', 'de', undefined],
  ['Accept-Charset', 'x', undefined],
  ['accept-datetime', 'x', undefined],
  ['Via', '1.1 x', undefined],
  ['From', 'me@x', undefined],
  ['Forwarded', 'for=1.2.3.4', undefined],
  ['DNT', '1', undefined],
  ['Sec-GPC', '1', undefined],
  ['Priority', 'u=0', undefined],
  ['X-Accept-Encoding', 'x-i2p-gzip', undefined],
  ['X-Real-IP', '10.0.0.2', undefined],
  ['X-Forwarded-For', '10.0.0.2', undefined],
  ['X-Forwarded-Host', 'x', undefined],
  ['X-I2P-DestHash', 'x', undefined],
  ['Sec-CH-UA', 'x', undefined],
  ['Proxy-Authorization', 'Basic eA==', undefined],
  ['Proxy-Connection', 'keep-alive', undefined],
  ['Proxy-Anything', 'x', undefined],
  ['Keep-Alive', '5', undefined],
  ['TE', 'trailers', undefined],
  ['Trailer', 'X', undefined],
  ['Upgrade', 'h2c', undefined],
  ['Expect', '100-continue', undefined],
  ['Authorization', 'Basic eA==', 'Basic eA=='],
  ['Authorization', 'NTLM abc', undefined],
  ['authorization', 'negotiate abc', undefined],
  ['X-Requested-With', 'XMLHttpRequest', 'XMLHttpRequest'],
  ['X-Requested-With', 'org.example.app', undefined],
  ['Referer', 'http://foo.i2p/x?y=1', '/x?y=1'],
  ['Referer', 'http://FOO.i2p:80', '/'],
  ['Referer', 'http://foo.i2p:81/x', undefined],
  ['Referer', 'https://foo.i2p/x', undefined],
  ['Referer', 'http://bar.i2p/', undefined],
  ['Referer', 'http://foo.i2p.evil.i2p/', undefined],
  ['Referer', 'http://foo.i2p@evil.i2p/', undefined],
  ['Referer', '/x', undefined],
  ['Origin', 'http://foo.i2p', `http://${B32}`],
  ['Origin', 'http://bar.i2p', 'null'],
  ['Origin', 'null', 'null'],
];

for (const [header, value, expected] of REQUEST_RULES) {
  test(`a request's ${header}: ${value} ${expected === undefined ? 'is dropped' : `becomes ${expected}`}`, (t) => {
    t.deepEqual(sent([header, value]), expected === undefined ? [] : [header, expected]);
  });
}

test('headers named by Connection stay here, in any case', (t) => {
  t.deepEqual(
    sent(['connection', 'close, X-Foo', 'x-foo', '1', 'X-Bar', '2', 'Connection', 'x-baz', 'X-Baz', '3']),
    ['X-Bar', '2'],
  );
});

test('Connection can take away neither Host nor the framing', (t) => {
  const out = siteHeaders({
    method: 'POST',
    url: url('http://foo.i2p/'),
    headers: ['Host', 'foo.i2p', 'Connection', 'Content-Length', 'Content-Length', '3'],
    hostHeader: B32,
  });
  t.deepEqual(out.slice(0, 4), ['Host', B32, 'Content-Length', '3']);
});

test('a request without Host gets one', (t) => {
  const out = siteHeaders({
    method: 'GET',
    url: url('http://foo.i2p/'),
    headers: ['Cookie', 'a'],
    hostHeader: B32,
  });
  t.deepEqual(out.slice(0, 4), ['Host', B32, 'Cookie', 'a']);
});

test('an upgrade keeps its own headers and asks for it', (t) => {
  const out = siteHeaders({
    method: 'GET',
    url: url('http://foo.i2p/'),
    headers: ['Host', 'foo.i2p', 'Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Key', 'k'],
    hostHeader: B32,
    upgrade: 'websocket',
  });
  t.deepEqual(out.slice(2, 4), ['Sec-WebSocket-Key', 'k']);
  t.deepEqual(out.slice(-4), ['Connection', 'Upgrade', 'Upgrade', 'websocket']);
});

const COOKIES: readonly (readonly [cookie: string, kept: boolean])[] = [
  ['a=b', true],
  ['a=b; Domain=foo.i2p', true],
  ['a=b; domain=i2p', false],
  ['a=b; Domain=.i2p', false],
  ['a=b; DOMAIN = .I2P ; Path=/', false],
  ['a=b; Domain="i2p"', false],
  ['a=b; Domain=i2p.', false],
  ['a=b; Domain=b32.i2p', false],
  ['a=b;Domain=.b32.i2p', false],
  [`a=b; Domain=${B32}`, true],
  ['domain=i2p', true],
];

for (const [cookie, kept] of COOKIES) {
  test(`the cookie ${JSON.stringify(cookie)} is ${kept ? 'kept' : 'dropped'}`, (t) => {
    t.deepEqual(siteAnswerHead(['Set-Cookie', cookie]).headers, kept ? ['Set-Cookie', cookie] : []);
  });
}

test('a response loses what belongs to the connection or to proxies', (t) => {
  t.deepEqual(
    siteAnswerHead([
      ...['Content-Type', 'text/html', 'Proxy-Authenticate', 'Basic', 'Proxy-Connection', 'close'],
      ...['Connection', 'close, X-Foo', 'X-Foo', '1', 'Transfer-Encoding', 'chunked', 'ETag', '"x"'],
    ]),
    { headers: ['Content-Type', 'text/html', 'ETag', '"x"'], gunzip: false },
  );
});

test('x-i2p-gzip is unpacked here, so its coding and length go', (t) => {
  t.deepEqual(siteAnswerHead(['Content-Encoding', 'X-I2P-gzip', 'Content-Length', '9', 'ETag', 'x']), {
    headers: ['ETag', 'x'],
    gunzip: true,
  });
  t.deepEqual(siteAnswerHead(['Content-Encoding', 'br, x-i2p-gzip']), {
    headers: ['Content-Encoding', 'br'],
    gunzip: true,
  });
  t.deepEqual(siteAnswerHead(['Content-Encoding', 'gzip', 'Content-Length', '9']), {
    headers: ['Content-Encoding', 'gzip', 'Content-Length', '9'],
    gunzip: false,
  });
});

const REMOTE = { hash: 'A'.repeat(43).concat('='), b32: B32, base64: 'AAAA' };

test('a server tunnel says who asks, and nobody else can', (t) => {
  const headers = serviceRequestHeaders({
    method: 'GET',
    headers: [
      ...['Host', B32, 'X-I2P-DestHash', 'forged', 'x-i2p-destb32', 'forged', 'X_I2P_DestB64', 'forged'],
      ...['Proxy', 'http://evil', 'X-Accept-Encoding', 'x-i2p-gzip', 'Connection', 'close', 'Cookie', 'a'],
    ],
    visitor: REMOTE,
    framing: { kind: 'none' },
    host: 'localhost',
  });
  t.deepEqual(headers, [
    ...['Host', 'localhost', 'Cookie', 'a'],
    ...['X-I2P-DestHash', REMOTE.hash, 'X-I2P-DestB32', B32, 'X-I2P-DestB64', 'AAAA', 'Connection', 'close'],
  ]);
});

test('a client can not name the X-I2P headers in Connection to make them vanish', (t) => {
  const headers = serviceRequestHeaders({
    method: 'GET',
    headers: ['Host', B32, 'Connection', 'X-I2P-DestHash'],
    visitor: REMOTE,
    framing: { kind: 'none' },
  });
  t.deepEqual(headers.slice(0, 4), ['Host', B32, 'X-I2P-DestHash', REMOTE.hash]);
});

test('a server tunnel hides what the service says of its machine', (t) => {
  t.deepEqual(
    serviceAnswerHeaders([
      ...['Server', 'x', 'Date', 'x', 'X-Powered-By', 'x', 'X-Runtime', 'x', 'Proxy-Status', 'x'],
      ...['Content-Length', '3', 'Connection', 'close'],
    ]),
    ['Content-Length', '3'],
  );
});
