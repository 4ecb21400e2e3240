import { toBase64 } from '@allium/common/bytes/text.ts';
import test from 'ava';
import fc from 'fast-check';
import {
  AddressHelpers,
  OFFER_LIFETIME_MS,
  OFFERS_MAX,
  takeHelper,
} from '../../../services/router/client/address-helper.ts';
import { unknownNamePage } from '../../../services/router/client/error-pages.ts';
import {
  decideConnect,
  decideRequest,
  type RequestDecision,
} from '../../../services/router/client/http-decision.ts';
import { Naming } from '../../../services/router/client/naming.ts';
import { ownPage } from '../../../services/router/client/own-pages.ts';
import { renderPage } from '../../../services/router/client/pages.ts';
import { parseHttpTarget } from '../../../services/router/client/request-target.ts';
import { base32Name, targetHash } from '../../../services/router/client/target.ts';
import { createDestinationKeys } from '../../../services/router/wire/destination.ts';
import { recordedEntropy } from '../../support/entropy.ts';

const NOW = 1_000_000;
const known = createDestinationKeys(recordedEntropy('decision, known')).destination;
const offered = createDestinationKeys(recordedEntropy('decision, offered')).destination;
const KNOWN_B32 = base32Name(known.hash);
const OFFERED_B32 = base32Name(offered.hash);
const OFFERED = toBase64(offered.raw).replaceAll('=', '%3D');

function books(): { naming: Naming; helpers: AddressHelpers } {
  const naming = new Naming(new Map([['foo.i2p', { destination: known }]]));
  return { naming, helpers: new AddressHelpers(naming, recordedEntropy('nonces')) };
}

function decide(url: string, method = 'GET', headers: string[] = [], with_ = books()): RequestDecision {
  return decideRequest({ method, url, headers }, with_, NOW);
}

/** A status of ours, or the site and path that the request goes to. */
function outcome(decision: RequestDecision): string | number {
  if (decision.kind === 'page') return decision.page.status;
  if (decision.kind === 'own') return 'own';
  return `${base32Name(targetHash(decision.target))}:${decision.url.port}${decision.url.path}`;
}

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

const HELPERS: readonly (readonly [path: string, rest: string | undefined, values: string[]])[] = [
  ['/', undefined, []],
  ['/?a=b', undefined, []],
  ['/i2paddresshelper=x', undefined, []],
  ['/?i2paddresshelper=x', '/', ['x']],
  ['/p?i2paddresshelper=x&a=b', '/p?a=b', ['x']],
  ['/p?a=b&i2paddresshelper=x', '/p?a=b', ['x']],
  ['/p?a=%26&i2paddresshelper=x%3D&c=d?e', '/p?a=%26&c=d?e', ['x=']],
  ['/?i2paddress%68elper=x', '/', ['x']],
  ['/?i2paddresshelper', '/', ['']],
  ['/?i2paddresshelper=x&i2paddresshelper=y', '/', ['x', 'y']],
  ['/?i2paddresshelper=%', '/', ['?']],
  ['/?%=i2paddresshelper', undefined, []],
];

for (const [path, rest, values] of HELPERS) {
  test(`the helper of ${path}`, (t) => {
    t.deepEqual(takeHelper(path), rest === undefined ? undefined : { path: rest, values });
  });
}

function html(decision: RequestDecision): string {
  if (decision.kind !== 'page') throw new Error(decision.kind);
  return Buffer.from(renderPage(decision.page).body).toString();
}

test('a new name is asked about, and kept only by the nonce on that page', (t) => {
  const with_ = books();
  const url = `http://new.i2p:81/p?q=1&i2paddresshelper=${OFFERED}`;
  const decision = decide(url, 'GET', [], with_);
  t.is(outcome(decision), 409);
  const page = html(decision);
  t.true(page.includes(`<a href="http://${OFFERED_B32}:81/p?q=1">Continue once</a>`));
  t.true(page.includes('<form method="post" action="http://proxy.i2p/add">'));
  t.is(outcome(decide('http://new.i2p:81/', 'GET', [], with_)), 404);
  const nonce = /name="nonce" value="([^"]+)"/.exec(page)?.[1] ?? '';
  t.regex(nonce, /^[\w-]{24}$/);
  const add = parseHttpTarget('http://proxy.i2p/add');
  if (add.kind !== 'http') return t.fail();
  const post = (form: string): ReturnType<typeof ownPage> =>
    ownPage({ method: 'POST', url: '', headers: ['Origin', 'null'] }, add, form, with_.helpers, NOW);
  t.is(post('nonce=wrong').status, 404);
  t.is(post('').status, 404);
  t.deepEqual(post(`nonce=${nonce}`).headers, ['Location', 'http://new.i2p:81/p?q=1']);
  t.is(post(`nonce=${nonce}`).status, 404, 'a nonce serves once');
  t.is(outcome(decide('http://new.i2p:81/', 'GET', [], with_)), `${OFFERED_B32}:81/`);
  t.is(outcome(decide(url, 'GET', [], with_)), 301);
  t.is(outcome(decide(url, 'POST', [], with_)), `${OFFERED_B32}:81/p?q=1`);
});

test('a helper that agrees with the address book leads on without it', (t) => {
  const decision = decide(`http://foo.i2p/p?i2paddresshelper=${KNOWN_B32}`);
  t.is(outcome(decision), 301);
  if (decision.kind === 'page') t.deepEqual(decision.page.headers, ['Location', 'http://foo.i2p/p']);
  t.is(outcome(decide('http://foo.i2p/?i2paddresshelper=')), 301);
  t.is(outcome(decide('http://nobody.i2p/?i2paddresshelper=')), 404);
});

test('a helper that contradicts the address book gets both links and keeps nothing', (t) => {
  const with_ = books();
  const decision = decide(`http://foo.i2p/p?i2paddresshelper=${OFFERED}`, 'GET', [], with_);
  t.is(outcome(decision), 409);
  t.true(html(decision).includes('href="http://foo.i2p/p"'));
  t.true(html(decision).includes(`href="http://${OFFERED_B32}/p"`));
  t.false(html(decision).includes('nonce'));
  t.is(outcome(decide('http://foo.i2p/', 'GET', [], with_)), `${KNOWN_B32}:80/`);
});

const BAD_HELPERS: readonly (readonly [helper: string, status: number])[] = [
  ['x', 404],
  ['foo.i2p', 404],
  [OFFERED.slice(8), 404],
  [`${OFFERED}&i2paddresshelper=${KNOWN_B32}`, 404],
  [`${'a'.repeat(56)}.b32.i2p`, 502],
];

for (const [index, [helper, status]] of BAD_HELPERS.entries()) {
  test(`bad helper ${index} gets ${status}`, (t) => {
    t.is(outcome(decide(`http://new.i2p/?i2paddresshelper=${helper}`)), status);
  });
}

test('a helper helps no reserved, invalid or outside name', (t) => {
  for (const host of ['router.i2p', 'f_o.i2p', 'example.org']) {
    t.is(outcome(decide(`http://${host}/?i2paddresshelper=${OFFERED}`)), 403);
  }
});

test('only a fetcher without a browser around it skips the question', (t) => {
  const url = `http://new.i2p/?i2paddresshelper=${OFFERED}`;
  const wget = ['User-Agent', 'Wget/1.11.4'];
  const with_ = books();
  t.is(outcome(decide(url, 'POST', wget, with_)), `${OFFERED_B32}:80/`);
  t.is(outcome(decide('http://new.i2p/', 'GET', wget, with_)), 404, 'nothing is kept');
  t.is(outcome(decide(url, 'POST', [], with_)), 409);
  for (const header of ['Origin', 'Referer', 'Cookie']) {
    t.is(outcome(decide(url, 'GET', [...wget, header, 'x'], with_)), 409);
  }
});

test('questions grow old and are bounded', (t) => {
  const { naming, helpers } = books();
  const target = parseHttpTarget('http://new.i2p/');
  if (target.kind !== 'http') return t.fail();
  const ask = (): string => {
    const verdict = helpers.judge(target, [OFFERED_B32], NOW);
    return verdict.kind === 'new' ? verdict.nonce : '';
  };
  const first = ask();
  t.is(helpers.accept(first, NOW + OFFER_LIFETIME_MS + 1), undefined);
  const second = ask();
  for (let i = 0; i < OFFERS_MAX; i++) ask();
  t.is(helpers.accept(second, NOW), undefined);
  t.is(naming.resolve('new.i2p').kind, 'unknown');
  t.is(helpers.accept(ask(), NOW), 'http://new.i2p/');
});

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
