import { matchesUrl } from '../../../services/forwarder/rules/match-url.ts';
import { parseAbsolute, type RequestUrl } from '../../../services/forwarder/rules/request-url.ts';
import { parsePattern } from '../../../services/forwarder/syntax/url-pattern.ts';
import { oracleTest } from '../support/oracle.ts';
import { startPrivoxy } from '../support/proxies.ts';
import { probe } from '../support/raw-client.ts';

const test = oracleTest();

const PATTERNS = [
  ...[
    '.i2p',
    'i2p',
    '.i2p.',
    'i2p.',
    '*.i2p',
    'foo.i2p',
    'f*.i2p',
    'fo?.i2p',
    'f[a-o]o.i2p',
    '*.*.i2p',
    '/',
    '.',
    '/*',
  ],
  ...[
    ':443',
    ':80',
    '.i2p:80',
    '.i2p:8080',
    '.i2p:80,8080',
    '.i2p:8000-9000',
    '.i2p:8000-',
    '.i2p:-100',
    '.i2p:*',
  ],
  ...[
    '.i2p/private/',
    '.i2p/PRIVATE/',
    '/private',
    '/.*x$',
    '.b32.i2p',
    '*.b32.i2p',
    'http://foo.i2p/',
    '.FOO.i2p',
  ],
  ...['www.', '.foo.', 'foo.', '.example.org', '*i2p*', '.*i2p*.'],
];

const B32 = 'udhdrtrhjgeqbbpdrybjdkzdxjv6bjejbwxdybdyd2pqhxmofwbq';
const URLS = [
  ...['http://foo.i2p/', 'http://i2p/', 'http://www.foo.i2p/', 'http://foo.i2p./', 'http://FOO.I2P/'],
  ...['http://foo.i2p:8080/', 'https://foo.i2p/', 'http://foo.i2p/private/x', 'http://foo.i2p.example.org/'],
  ...[
    `http://${B32}.b32.i2p/`,
    'http://a.b.c.i2p/',
    'http://foo.i2p:99/',
    'http://foo.i2p/Private',
    'http://fox.i2p/',
  ],
  ...['http://xi2p/', 'http://foo.i2p:8443/private/x'],
];

/** What Privoxy's own page says: which of the patterns fit. Pattern n adds the header X-P<n>. */
async function fitsInPrivoxy(patterns: readonly string[], urls: readonly string[]): Promise<Set<string>> {
  const sections = patterns.map((pattern, n) => `{+add-header{X-P${n}: 1}}\n${pattern}`);
  const privoxy = await startPrivoxy('actionsfile p.action\n', { 'p.action': `${sections.join('\n')}\n` });
  const fits = new Set<string>();
  try {
    for (const url of urls) {
      const page = `http://p.p/show-url-info?url=${encodeURIComponent(url)}`;
      const reply = await probe(
        privoxy.port,
        `GET ${page} HTTP/1.1\r\nHost: p.p\r\nConnection: close\r\n\r\n`,
      );
      if (!reply.text.includes('Final results')) throw new Error('not the page that was asked for');
      const results = reply.text.slice(reply.text.indexOf('Final results'));
      for (const [, n] of results.matchAll(/X-P(\d+): 1/g)) fits.add(`${patterns[Number(n)]} ${url}`);
    }
  } finally {
    await privoxy.stop();
  }
  return fits;
}

function fitsHere(pattern: string, url: string): boolean {
  const parsed = parsePattern(pattern);
  if ('why' in parsed || parsed.pattern.kind !== 'url') return false;
  const target = targetOf(url);
  return target !== undefined && matchesUrl(parsed.pattern, target);
}

/** Privoxy's page sets the path of https aside, as CONNECT does. */
function targetOf(url: string): RequestUrl | undefined {
  const secure = url.startsWith('https:');
  const parsed = parseAbsolute(url.replace(/^https/, 'http'));
  if (parsed.kind !== 'url') return undefined;
  return secure ? { ...parsed.url, scheme: 'connect', port: 443 } : parsed.url;
}

test('36 patterns fit the same of 16 URLs as in Privoxy', async (t) => {
  t.is(PATTERNS.length * URLS.length, 576);
  const theirs = await fitsInPrivoxy(PATTERNS, URLS);
  const differing = PATTERNS.flatMap((pattern) =>
    URLS.filter((url) => fitsHere(pattern, url) !== theirs.has(`${pattern} ${url}`)).map(
      (url) => `${pattern} ${url}: Privoxy ${theirs.has(`${pattern} ${url}`)}`,
    ),
  );
  t.deepEqual(differing, []);
  t.true(theirs.size > 150, 'the table has hits');
});

/** A small deterministic generator (mulberry32), so that a difference can be looked at again. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

test('200 random patterns fit the same of 30 random URLs as in Privoxy', async (t) => {
  const below = generator(20_261_124);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const labels = ['a', 'ab', 'b', 'i2p', 'aab', 'x1', 'com'];
  const globs = [...labels, '*', 'a*', '*b', '?', 'a?', '[a-b]', '[a-b]*', '*[0-9]', 'a*b', '*a*', '[ab1]?'];
  const paths = ['', '', '', '/', '/p', '/p/', '/.*q', '/(p|q)/', '/p$', '/P', '/p\\?x'];
  const ports = ['', '', '', ':80', ':81', ':80,81', ':1-90', ':90-'];
  const host = (parts: readonly string[]): string =>
    Array.from({ length: 1 + below(3) }, () => pick(parts)).join('.');
  const patterns = [
    ...new Set(
      Array.from(
        { length: 200 },
        () => `${pick(['', '.'])}${host(globs)}${pick(['', '', '.'])}${pick(ports)}${pick(paths)}`,
      ),
    ),
  ];
  const urls = [
    ...new Set(
      Array.from(
        { length: 30 },
        () => `http://${host(labels)}${pick(['', '', ':81'])}${pick(['/', '/p', '/p/q', '/q/', '/p?x'])}`,
      ),
    ),
  ];
  const theirs = await fitsInPrivoxy(patterns, urls);
  const differing = patterns.flatMap((pattern) =>
    urls
      .filter((url) => fitsHere(pattern, url) !== theirs.has(`${pattern} ${url}`))
      .map((url) => `${pattern} ${url}: Privoxy ${theirs.has(`${pattern} ${url}`)}`),
  );
  t.deepEqual(differing, []);
  t.true(theirs.size > 150, `${theirs.size} hits`);
});
