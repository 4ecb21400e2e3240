import test from 'ava';
import { decideSite } from '../../../services/forwarder/i2p/decide.ts';
import { ownPage } from '../../../services/forwarder/i2p/own-pages.ts';
import { unknownNamePage } from '../../../services/forwarder/i2p/site-pages.ts';
import { parseConnect } from '../../../services/forwarder/rules/request-url.ts';
import { books, decide, html, KEY, KNOWN_B32, NOW, OFFERED_B32, outcome, urlOf } from './decision-rig.ts';

const TARGETS: readonly (readonly [url: string, outcome: string | number])[] = [
  ['http://foo.i2p/', `${KNOWN_B32}/`],
  ['HTTP://FOO.I2P', `${KNOWN_B32}/`],
  ['http://foo.i2p.:8080/x', `${KNOWN_B32}/x`],
  ['http://foo.i2p?x', `${KNOWN_B32}/?x`],
  ['http://foo.i2p/a/../%2e?b=%00&c#frag', `${KNOWN_B32}/a/../%2e?b=%00&c`],
  ['http://user:secret@foo.i2p/', `${KNOWN_B32}/`],
  ['http://foo.i2p@evil.example/', 403],
  [`http://${OFFERED_B32}/x`, `${OFFERED_B32}/x`],
  [`http://${OFFERED_B32.toUpperCase()}/x`, `${OFFERED_B32}/x`],
  ['http://nobody.i2p/', 404],
  [`http://${'a'.repeat(56)}.b32.i2p/`, 502],
  ['http://proxy.i2p/', 'own'],
  ['http://router.i2p/', 403],
  ['http://i2p/AAAA/x', 403],
  ['http://f_o.i2p/', 403],
  ['http://example.org/', 403],
  ['http://127.0.0.1:7657/', 403],
  ['http://[::1]/', 403],
];

for (const [url, expected] of TARGETS) {
  test(`GET ${url.slice(0, 60)} gives ${expected}`, async (t) => t.is(outcome(await decide(url)), expected));
}

test('TRACE is not passed on: it would show a page what was made of its request', async (t) => {
  const decision = await decide('http://foo.i2p/', 'TRACE');
  t.is(outcome(decision), 405);
  if (decision.kind === 'answer') t.is(decision.answer.headers.at(-2), 'Allow');
  t.is(outcome(await decide('http://foo.i2p/', 'PROPFIND')), `${KNOWN_B32}/`);
});

test('CONNECT asks for the name alone', async (t) => {
  for (const [target, expected] of [
    ['foo.i2p:443', `${KNOWN_B32}/`],
    ['nobody.i2p:443', 404],
    ['proxy.i2p:443', 403],
    ['example.org:443', 403],
  ] as const) {
    const parsed = parseConnect(target);
    if (parsed.kind !== 'url') return t.fail();
    const question = { key: KEY, method: 'CONNECT', url: parsed.url, headers: [] };
    t.is(outcome(await decideSite(question, books(), NOW)), expected);
  }
});

test('the own pages show nothing to other sites', (t) => {
  const status = (url: string, headers: string[] = [], method = 'GET'): number =>
    ownPage({ key: KEY, method, url: urlOf(url), headers }).status;
  t.is(status('http://proxy.i2p/'), 200);
  t.is(status('http://proxy.i2p/', ['Referer', 'http://proxy.i2p/x']), 200);
  t.is(status('http://proxy.i2p/', ['Referer', 'http://evil.i2p/']), 404);
  t.is(status('http://proxy.i2p/', ['Origin', 'null']), 404);
  t.is(status('http://proxy.i2p/x'), 404);
  t.is(status('http://proxy.i2p/add'), 404);
  t.is(status('http://proxy.i2p/', [], 'POST'), 405);
});

test('pages are closed to scripts, frames, caches and the outside', (t) => {
  const { headers, body } = unknownNamePage('<a>.i2p');
  const pairs = Object.fromEntries(
    headers.flatMap((value, at) => (at % 2 === 0 ? [[value.toLowerCase(), headers[at + 1]]] : [])),
  );
  t.is(pairs['cache-control'], 'no-store');
  t.is(pairs['referrer-policy'], 'no-referrer');
  t.regex(
    pairs['content-security-policy'] ?? '',
    /^default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'/,
  );
  t.notRegex(Buffer.from(body).toString(), /<script|<img|<link|url\(|<a>/i);
});

test('whatever the helper, no page holds its markup', async (t) => {
  for (const path of ['<x>', '%3Cx%3E', '"onclick=', "'", '?a=<x>', '?i2paddresshelper=<x>']) {
    for (const helper of ['', `?i2paddresshelper=${OFFERED_B32}`]) {
      let decision: Awaited<ReturnType<typeof decide>>;
      try {
        decision = await decide(`http://new.i2p/${path}${helper}`);
      } catch {
        continue;
      }
      if (decision.kind !== 'answer') continue;
      t.false(html(decision).includes('<x>'));
      for (const [, href = ''] of html(decision).matchAll(/href="([^"]*)"/g)) t.notRegex(href, /[<>']/);
    }
  }
});
