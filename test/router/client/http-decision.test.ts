import test from 'ava';
import fc from 'fast-check';
import { unknownNamePage } from '../../../services/router/client/error-pages.ts';
import { decideConnect } from '../../../services/router/client/http-decision.ts';
import { ownPage } from '../../../services/router/client/own-pages.ts';
import { renderPage } from '../../../services/router/client/pages.ts';
import { parseHttpTarget } from '../../../services/router/client/request-target.ts';
import { base32Name, targetHash } from '../../../services/router/client/target.ts';
import { books, decide, html, KNOWN_B32, NOW, OFFERED_B32, outcome } from './decision-rig.ts';

const TARGETS: readonly (readonly [url: string, outcome: string | number])[] = [
  ['http://foo.i2p/', `${KNOWN_B32}:80/`],
  ['HTTP://FOO.I2P', `${KNOWN_B32}:80/`],
  ['http://foo.i2p.:8080/x', `${KNOWN_B32}:8080/x`],
  ['http://foo.i2p?x', `${KNOWN_B32}:80/?x`],
  ['http://foo.i2p/a/../%2e?b=%00&c#frag', `${KNOWN_B32}:80/a/../%2e?b=%00&c`],
  ['http://user:secret@foo.i2p/', `${KNOWN_B32}:80/`],
  ['http://foo.i2p@evil.example/', 403],
  ['http://a@b@foo.i2p/', 403],
  [`http://${OFFERED_B32}/x`, `${OFFERED_B32}:80/x`],
  ['http://nobody.i2p/', 404],
  [`http://${'a'.repeat(56)}.b32.i2p/`, 502],
  ['http://proxy.i2p/', 'own'],
  ['http://router.i2p/', 403],
  ['http://i2p/AAAA/x', 403],
  ['http://f_o.i2p/', 403],
  ['http://example.org/', 403],
  ['http://localhost/', 403],
  ['http://127.0.0.1:7657/', 403],
  ['http://127.1/', 403],
  ['http://[::1]/', 403],
  ['http://192.168.0.1/', 403],
  ['http://foo.i2p:0/', 403],
  ['http://foo.i2p:65536/', 403],
  ['http://foo.i2p:/', 403],
  ['http:///x', 403],
  ['https://foo.i2p/', 403],
  ['ftp://foo.i2p/', 403],
  ['/', 400],
  ['*', 400],
  ['foo.i2p:80', 400],
  ['http:/foo.i2p/', 400],
  ['http://foo.i2p/\u00e9', 400],
  ['http://foo.i2p/a b', 400],
  [`http://foo.i2p/${'a'.repeat(16 * 1024)}`, 414],
];

for (const [url, expected] of TARGETS) {
  test(`GET ${url.slice(0, 60)} gives ${expected}`, (t) => t.is(outcome(decide(url)), expected));
}

test('methods that are not passed get 405 with the list of those that are', (t) => {
  for (const method of ['TRACE', 'M-SEARCH', 'PURGE', 'SOURCE']) {
    const decision = decide('http://foo.i2p/', method);
    t.is(outcome(decision), 405);
    if (decision.kind === 'page') t.is(decision.page.headers?.[0], 'Allow');
  }
  t.is(outcome(decide('http://foo.i2p/', 'PROPFIND')), `${KNOWN_B32}:80/`);
});

test('two Host headers and more than 100 headers are refused', (t) => {
  t.is(outcome(decide('http://foo.i2p/', 'GET', ['Host', 'foo.i2p', 'host', 'foo.i2p'])), 400);
  t.is(outcome(decide('http://foo.i2p/', 'GET', Array<string>(200).fill('x'))), `${KNOWN_B32}:80/`);
  t.is(outcome(decide('http://foo.i2p/', 'GET', Array<string>(202).fill('x'))), 431);
});

const CONNECTS: readonly (readonly [url: string, outcome: string | number])[] = [
  ['foo.i2p:443', `${KNOWN_B32}:443`],
  ['foo.i2p:1024', `${KNOWN_B32}:1024`],
  ['foo.i2p:80', 403],
  ['foo.i2p:22', 403],
  ['foo.i2p', 400],
  ['foo.i2p:0', 400],
  ['http://foo.i2p:443/', 400],
  ['x@foo.i2p:443', 400],
  ['nobody.i2p:443', 404],
  ['proxy.i2p:443', 403],
  ['example.org:443', 403],
  ['127.0.0.1:443', 403],
  ['[::1]:443', 403],
];

for (const [url, expected] of CONNECTS) {
  test(`CONNECT ${url} gives ${expected}`, (t) => {
    const decision = decideConnect({ method: 'CONNECT', url, headers: [] }, books().naming);
    const got =
      decision.kind === 'page'
        ? decision.page.status
        : `${base32Name(targetHash(decision.target))}:${decision.port}`;
    t.is(got, expected);
  });
}

test('the own pages show nothing to other sites', (t) => {
  const { helpers } = books();
  const status = (url: string, headers: string[] = [], method = 'GET'): number => {
    const target = parseHttpTarget(url);
    if (target.kind !== 'http') throw new Error(url);
    return ownPage({ method, url, headers }, target, '', helpers, NOW).status;
  };
  t.is(status('http://proxy.i2p/'), 200);
  t.is(status('http://proxy.i2p/', ['Referer', 'http://proxy.i2p/x']), 200);
  t.is(status('http://proxy.i2p/', ['Referer', 'http://evil.i2p/']), 404);
  t.is(status('http://proxy.i2p/', ['Origin', 'null']), 404);
  t.is(status('http://proxy.i2p/x'), 404);
  t.is(status('http://proxy.i2p/add'), 404);
  t.is(status('http://proxy.i2p/', [], 'POST'), 405);
});

test('pages are closed to scripts, frames, caches and the outside', (t) => {
  const { headers, body } = renderPage(unknownNamePage('a.i2p'));
  const pairs = Object.fromEntries(
    headers.flatMap((value, at) => (at % 2 === 0 ? [[value.toLowerCase(), headers[at + 1]]] : [])),
  );
  t.is(pairs['cache-control'], 'no-store');
  t.is(pairs['content-length'], String(body.length));
  t.is(pairs['referrer-policy'], 'no-referrer');
  t.regex(
    pairs['content-security-policy'] ?? '',
    /^default-src 'none'; style-src 'unsafe-inline'; form-action http:\/\/proxy\.i2p; frame-ancestors 'none'/,
  );
  t.notRegex(Buffer.from(body).toString(), /<script|<img|<link|url\(/i);
});

test('whatever the request, no page holds its markup', (t) => {
  const part = fc.constantFrom(
    '<x>',
    '"',
    "'",
    '&',
    '%3Cx%3E',
    'a',
    '.i2p',
    '?',
    '/',
    ':',
    '@',
    'i2paddresshelper=',
  );
  const text = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(''));
  const url = fc
    .tuple(fc.constantFrom('http://new.i2p/', 'http://', ''), text)
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(url, fc.constantFrom('', OFFERED_B32), (start, helper) => {
      const decision = decide(`${start}${helper === '' ? '' : `?i2paddresshelper=${helper}`}`);
      if (decision.kind !== 'page') return;
      const page = html(decision);
      t.false(page.includes('<x>'));
      for (const [, href = ''] of page.matchAll(/href="([^"]*)"/g)) t.notRegex(href, /[<>']|javascript:/i);
    }),
  );
});
