import test from 'ava';
import fc from 'fast-check';
import { compileRegex } from '../../../services/forwarder/syntax/perl-regex.ts';

const WORKS: readonly (readonly [source: string, yes: string, no: string])[] = [
  ['^/.*\\.(gif|jpe?g)($|\\?)', '/a.jpeg?x', '/a.png'],
  ['^/(?-i)PaTtErN', '/PaTtErN', '/pattern'],
  ['(?i)abc', 'xABC', 'ab'],
  ['^[[:digit:]]+$', '123', '12a'],
  ['^[^[:space:]x]+$', 'ab', 'a b'],
  ['\\Aab\\z', 'ab', 'abc'],
  ['(?P<n>a)b', 'ab', 'b'],
  ['(?<!relo)adframe', 'xadframe', 'reloadframe'],
  ['^(?:(?!/i/).)*$', '/a/b', '/a/i/b'],
  ['a{2,3}b', 'aab', 'ab'],
];
for (const [source, yes, no] of WORKS) {
  test(`${source} means what Perl means`, (t) => {
    const compiled = compileRegex(source, source.includes('(?') && source.includes('i)') ? 'i' : '');
    if ('why' in compiled) return t.fail(compiled.why);
    t.true(compiled.regex.test(yes));
    t.false(compiled.regex.test(no));
  });
}

const REFUSED = [
  ...[
    '(a+)+',
    '(a*)*',
    '(?:a+b?)*',
    '((a+)b)+',
    '(a|b+)*',
    '(a+){2,}',
    '(a+){2}',
    '([a-z]+)*x',
    '(?=(a+))+',
    '(\\(+)+',
  ],
  ...['(?>a)', 'a++', 'a*+', 'a{1,2}+', '\\Qa\\E', '(?i:a)', 'a{2000}', '\\x{41}', '(?#c)', '(', '['],
  'x'.repeat(2_001),
];
for (const source of REFUSED) {
  test(`${source.slice(0, 20)} is refused`, (t) => {
    t.true('why' in compileRegex(source, ''));
  });
}

const TAKEN = ['(a?)+', '(ab)+', 'a+b+c+', '[(+]+', '(\\+a)+', '(a{1,5}b)?', '(?:a|b)+', '(a+)?', '(a+)'];
for (const source of TAKEN) {
  test(`${source} is taken`, (t) => {
    t.true('regex' in compileRegex(source, ''));
  });
}

test('no source makes the compiler throw', (t) => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 60, unit: fc.constantFrom(...'ab()[]{}*+?|\\^$.:!<=>P,01-#i ') }),
      (source) => {
        compileRegex(source, 'i');
      },
    ),
    { numRuns: 3_000 },
  );
  t.pass();
});
