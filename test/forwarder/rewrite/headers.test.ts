import test from 'ava';
import { requestHeaders } from '../../../services/forwarder/rewrite/request-headers.ts';
import { responseHeaders } from '../../../services/forwarder/rewrite/response-headers.ts';
import { decide } from '../../../services/forwarder/rules/decide.ts';
import { parseAbsolute } from '../../../services/forwarder/rules/request-url.ts';
import { createRules } from '../../../services/forwarder/rules/rules.ts';
import { parseActionFile } from '../../../services/forwarder/syntax/action-file.ts';
import { parseConfig } from '../../../services/forwarder/syntax/config-file.ts';
import { parseFilterFile } from '../../../services/forwarder/syntax/filter-file.ts';
import { Notes } from '../../../services/forwarder/syntax/notes.ts';

const NOW = Date.UTC(2026, 10, 24, 12, 0, 0);

function setup(section: string, headers: readonly string[], config: string, filters: string, target: string) {
  const notes = new Notes();
  const sections = parseActionFile('a', section === '' ? '' : `${section}\n/\n`, notes);
  const settings = parseConfig('config', config, notes);
  const rules = createRules({ settings, sections, filters: parseFilterFile('f', filters, notes) }, notes);
  notes.check();
  const parsed = parseAbsolute(target);
  if (parsed.kind !== 'url') throw new Error(target);
  const facts = { method: 'GET', url: parsed.url, headers, origin: '10.0.0.2', listenAddress: '10.0.0.1' };
  return { rules, facts, actions: decide(facts, rules).actions };
}

function lines(raw: readonly string[]): string[] {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${raw[at + 1]}`] : []));
}

function sent(
  section: string,
  headers: readonly string[],
  { config = '', filters = '', target = 'http://a.i2p/x' } = {},
) {
  const { rules, facts, actions } = setup(section, headers, config, filters, target);
  const plan = { ...facts, framing: { kind: 'none' }, toProxy: true, now: NOW, random: 0.5 } as const;
  return lines(requestHeaders(plan, actions, rules)).filter((line) => line !== 'Host: a.i2p');
}

function received(section: string, headers: readonly string[], { config = '', filters = '' } = {}) {
  const { rules, facts, actions } = setup(section, [], config, filters, 'http://a.i2p/x');
  return lines(responseHeaders({ request: facts, headers, now: NOW, random: 0.5 }, actions, rules));
}

const DATE = 'Wed, 01 Jan 2020 00:00:00 GMT';

const REQUESTS: readonly (readonly [section: string, header: readonly [string, string], sent: string[]])[] = [
  ['{+hide-accept-language{block}}', ['Accept-Language', 'de'], []],
  ['{+hide-accept-language{en}}', ['accept-language', 'de'], ['accept-language: en']],
  ['{+hide-from-header{spam@x}}', ['From', 'me'], ['From: spam@x']],
  ['{+hide-user-agent{X}}', ['User-Agent', 'Y'], ['User-Agent: X']],
  ['{+change-x-forwarded-for{block}}', ['X-Forwarded-For', '10.0.0.2'], []],
  ['', ['X-Forwarded-For', '10.0.0.2'], ['X-Forwarded-For: 10.0.0.2']],
  ['{+hide-if-modified-since{block}}', ['If-Modified-Since', DATE], []],
  [
    '{+hide-if-modified-since{-60}}',
    ['If-Modified-Since', DATE],
    ['If-Modified-Since: Tue, 31 Dec 2019 23:30:00 GMT'],
  ],
  ['{+hide-if-modified-since{-60}}', ['If-Modified-Since', 'rubbish'], []],
  ['{+crunch-if-none-match}', ['If-None-Match', '"x"'], []],
  ['{+crunch-outgoing-cookies}', ['Cookie', 'a=b'], []],
  ['{+prevent-compression}', ['Accept-Encoding', 'gzip'], []],
  ['{+crunch-client-header{track}}', ['X-Track', '1'], []],
  ['{+hide-user-agent{X}}', ['UA-Pixels', '640x480'], []],
  ['', ['UA-Pixels', '640x480'], ['UA-Pixels: 640x480']],
  ['{+hide-referrer{block}}', ['Referer', 'http://a.i2p/y'], []],
  ['{+hide-referrer{forge}}', ['Referer', 'http://x.org/y'], ['Referer: http://a.i2p/']],
  ['{+hide-referrer{conditional-forge}}', ['Referer', 'http://x.org/y'], ['Referer: http://a.i2p/']],
  ['{+hide-referrer{conditional-block}}', ['Referer', 'http://a.i2p/y'], ['Referer: http://a.i2p/y']],
  ['{+hide-referrer{conditional-block}}', ['Referer', 'https://a.i2p/y'], ['Referer: https://a.i2p/y']],
  ['{+hide-referrer{conditional-block}}', ['Referer', 'http://a.i2p.evil/y'], []],
  ['{+hide-referrer{conditional-block}}', ['Referer', 'rubbish'], []],
  ['{+hide-referrer{http://z.org/}}', ['Referer', 'http://x.org/y'], ['Referer: http://z.org/']],
  ['', ['Referer', 'http://b.i2p/secret'], []],
  ['', ['Referer', 'http://x.org/y'], ['Referer: http://x.org/y']],
  ['', ['Origin', 'http://b.i2p'], ['Origin: null']],
  ['', ['Origin', 'http://a.i2p'], ['Origin: http://a.i2p']],
  ['', ['Proxy-Authorization', 'Basic x'], []],
  ['', ['Te', 'trailers'], []],
  ['', ['Upgrade', 'h2c'], []],
];
for (const [section, [name, value], expected] of REQUESTS) {
  test(`request, "${section}": ${name}: ${value} becomes ${JSON.stringify(expected)}`, (t) => {
    t.deepEqual(sent(section, ['Host', 'a.i2p', name, value]), expected);
  });
}

test('an I2P name does not travel to a clearnet site either', (t) => {
  const headers = ['Host', 'x.org', 'Referer', 'http://a.i2p/', 'Origin', 'http://a.i2p'];
  t.deepEqual(sent('', headers, { target: 'http://x.org/' }), ['Host: x.org', 'Origin: null']);
});

test('Proxy-Authorization passes when it is configured, and to proxies only', (t) => {
  const config = 'enable-proxy-authentication-forwarding 1\n';
  t.deepEqual(sent('', ['Proxy-Authorization', 'Basic x'], { config }), ['Proxy-Authorization: Basic x']);
});

test('client-header-order sorts, and keeps the rest as it came', (t) => {
  const config = 'client-header-order X-B X-A\n';
  t.deepEqual(sent('', ['X-A', '1', 'Q', '2', 'X-B', '3'], { config }), ['X-B: 3', 'X-A: 1', 'Q: 2']);
});

const EVIL = `CLIENT-HEADER-FILTER: evil x
s@^X-Split:.*@X-Split: a\\r\\nInjected: 1@
s@^X-Length:.*@Content-Length: 5@
s@^X-Gone:.*@@
s@^X-Bad:.*@not a header@
s@^Host:.*@Host: changed.i2p@
`;

test('a header filter can not end a header, change the framing, or leave rubbish', (t) => {
  const headers = ['X-Split', '1', 'X-Length', '1', 'X-Gone', '1', 'X-Bad', '1', 'X-Ok', '1'];
  const result = sent('{+client-header-filter{evil}}', headers, { filters: EVIL });
  t.deepEqual(result, ['X-Ok: 1']);
  const named = sent('{+client-header-filter{evil}}', ['Host', 'a.i2p'], { filters: EVIL });
  t.deepEqual(named, ['Host: changed.i2p']);
});

const RESPONSES: readonly (readonly [section: string, header: readonly [string, string], got: string[]])[] = [
  [
    '{+session-cookies-only}',
    ['Set-Cookie', 'a=b; expires=Wed, 01-Jan-2099 00:00:00 GMT; path=/'],
    ['Set-Cookie: a=b; path=/'],
  ],
  ['{+session-cookies-only}', ['Set-Cookie', 'a=b; Max-Age=100; Secure'], ['Set-Cookie: a=b; Secure']],
  ['{+session-cookies-only}', ['Set-Cookie', `a=; expires=${DATE}`], [`Set-Cookie: a=; expires=${DATE}`]],
  ['{+session-cookies-only}', ['Set-Cookie', 'a=; max-age=0'], ['Set-Cookie: a=; max-age=0']],
  [
    '{+limit-cookie-lifetime{60}}',
    ['Set-Cookie', 'a=b; expires=Wed, 01-Jan-2099 00:00:00 GMT'],
    ['Set-Cookie: a=b; expires=Tue, 24-Nov-2026 13:00:00 GMT'],
  ],
  ['{+limit-cookie-lifetime{60}}', ['Set-Cookie', 'a=b; max-age=60'], ['Set-Cookie: a=b; max-age=60']],
  [
    '{+limit-cookie-lifetime{60}}',
    ['Set-Cookie', 'a=b'],
    ['Set-Cookie: a=b; expires=Tue, 24-Nov-2026 13:00:00 GMT'],
  ],
  ['{+limit-cookie-lifetime{0}}', ['Set-Cookie', 'a=b; max-age=60'], ['Set-Cookie: a=b']],
  ['{+crunch-incoming-cookies}', ['Set-Cookie', 'a=b'], []],
  ['{+crunch-server-header{powered}}', ['X-Powered-By', 'x'], []],
  ['{+hide-content-disposition{block}}', ['Content-Disposition', 'attachment'], []],
  [
    '{+hide-content-disposition{inline}}',
    ['Content-Disposition', 'attachment'],
    ['Content-Disposition: inline'],
  ],
  ['{+content-type-overwrite{text/plain}}', ['Content-Type', 'text/html'], ['Content-Type: text/plain']],
  ['{+overwrite-last-modified{block}}', ['Last-Modified', DATE], []],
  [
    '{+overwrite-last-modified{reset-to-request-time}}',
    ['Last-Modified', DATE],
    ['Last-Modified: Tue, 24 Nov 2026 12:00:00 GMT'],
  ],
  [
    '{+overwrite-last-modified{randomize}}',
    ['Last-Modified', 'Tue, 24 Nov 2026 10:00:00 GMT'],
    ['Last-Modified: Tue, 24 Nov 2026 11:00:00 GMT'],
  ],
  ['', ['Proxy-Authenticate', 'Basic'], []],
  ['', ['Keep-Alive', 'timeout=5'], []],
  ['', ['Content-Length', '5'], ['Content-Length: 5']],
];
for (const [section, [name, value], expected] of RESPONSES) {
  test(`answer, "${section}": ${name}: ${value} becomes ${JSON.stringify(expected)}`, (t) => {
    t.deepEqual(received(section, [name, value]), expected);
  });
}

test('headers that Connection names end here, but never those that others stand on', (t) => {
  const headers = [
    'Connection',
    'X-Foo, Host, Content-Length, close',
    'X-Foo',
    '1',
    'Content-Length',
    '5',
    'X-Bar',
    '2',
  ];
  t.deepEqual(received('', headers), ['Content-Length: 5', 'X-Bar: 2']);
});
