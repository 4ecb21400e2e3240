import test from 'ava';
import fc from 'fast-check';
import { matchesUrl } from '../../../services/forwarder/rules/match-url.ts';
import { parseAbsolute } from '../../../services/forwarder/rules/request-url.ts';
import { matchesGlob, parseGlob } from '../../../services/forwarder/syntax/host-glob.ts';
import { parsePattern } from '../../../services/forwarder/syntax/url-pattern.ts';

const HOSTS = [
  'foo.i2p',
  'i2p',
  'www.foo.i2p',
  'foo.i2p.',
  'FOO.I2P',
  'foo.i2p:8080',
  'foo.i2p/private/x',
  'foo.i2p.example.org',
  'abc.b32.i2p',
];

/** What Privoxy 3.0.34, 4.0.0 and 4.2.0 did, all alike; Y where the pattern of the line fits. */
const TABLE: readonly (readonly [pattern: string, row: string])[] = [
  ['.i2p', 'YYYYYYY.Y'],
  ['i2p', '.Y.......'],
  ['.i2p.', 'YYYYYYYYY'],
  ['*.i2p', 'Y..YYYY..'],
  ['foo.i2p', 'Y..YYYY..'],
  ['f*.i2p', 'Y..YYYY..'],
  ['fo?.i2p', 'Y..YYYY..'],
  ['f[a-o]o.i2p', 'Y..YYYY..'],
  ['*.*.i2p', '..Y.....Y'],
  ['/', 'YYYYYYYYY'],
  ['.', 'YYYYYYYYY'],
  ['/*', 'YYYYYYYYY'],
  ['.i2p:80', 'YYYYY.Y.Y'],
  ['.i2p/private/', '......Y..'],
  ['.i2p/PRIVATE/', '......Y..'],
  ['.b32.i2p', '........Y'],
  ['http://foo.i2p/', '.........'],
  ['TAG:x', '.........'],
  ['.i2p:*', '.........'],
  ['PCRE-HOST-PATTERN:^f.*\\.i2p', 'Y..YYYY..'],
];

function fits(pattern: string, target: string): boolean {
  const parsed = parsePattern(pattern);
  const url = parseAbsolute(`http://${target}`);
  if ('why' in parsed || url.kind !== 'url') throw new Error(`${pattern} ${target}`);
  return parsed.pattern.kind === 'url' && matchesUrl(parsed.pattern, url.url);
}

for (const [pattern, row] of TABLE) {
  test(`${pattern} fits what it fits in Privoxy`, (t) => {
    t.is(HOSTS.map((host) => (fits(pattern, host) ? 'Y' : '.')).join(''), row);
  });
}

test('IPv6 in angle brackets', (t) => {
  t.true(fits('<[::1]>', '[::1]'));
  t.true(fits('<::1>:8080', '[::1]:8080'));
  t.false(fits('<::1>:8080', '[::1]'));
});

test('the glob matcher agrees with an expression made of the same glob', (t) => {
  const token = fc.constantFrom('a', 'b', '*', '?', '[a-b]', '[b]');
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
  fc.assert(
    fc.property(fc.array(token, { maxLength: 6 }), text, (glob, subject) => {
      const regex = new RegExp(
        `^${glob.map((part) => part.replace(/^\*$/, '.*').replace('?', '.')).join('')}$`,
      );
      return matchesGlob(parseGlob(glob.join('')), subject) === regex.test(subject);
    }),
    { numRuns: 3_000 },
  );
  t.pass();
});

test('a glob full of stars is no burden', (t) => {
  const started = performance.now();
  t.false(matchesGlob(parseGlob(`${'*a'.repeat(30)}b`), 'a'.repeat(5_000)));
  t.true(performance.now() - started < 2_000);
});
