import test from 'ava';
import { compileReplacer, compileTest } from '../../../services/forwarder/expressions/expression.ts';
import { Subject } from '../../../services/forwarder/expressions/subject.ts';

function fits(source: string, caseless: boolean, subject: string): boolean {
  const compiled = compileTest(source, caseless);
  if ('why' in compiled) throw new Error(`${source}: ${compiled.why}`);
  return compiled.test(new Subject(subject));
}

const WORKS: readonly (readonly [source: string, yes: string, no: string])[] = [
  ['^/.*\\.(gif|jpe?g)($|\\?)', '/a.jpeg?x', '/a.png'],
  ['^/(?-i)PaTtErN', '/PaTtErN', '/pattern'],
  ['(?i)abc', 'xABC', 'ab'],
  ['(?i:a)b', 'Ab', 'AB'],
  ['^[[:digit:]]+$', '123', '12a'],
  ['^[^[:space:]x]+$', 'ab', 'a b'],
  ['^[[:^digit:]]$', 'a', '1'],
  ['^[]x]$', ']', 'a'],
  ['^[^]x]$', 'a', ']'],
  ['^\\v$', '\v', 'v'],
  ['^\\a\\e$', '\x07\x1b', 'ae'],
  ['\\Aab\\z', 'ab', 'abc'],
  ['^ab\\Z', 'ab', 'abc'],
  ['(?P<n>a)b', 'ab', 'b'],
  ['(?<!relo)adframe', 'xadframe', 'reloadframe'],
  ['^(?:(?!/i/).)*$', '/a/b', '/a/i/b'],
  ['^/ab(?!c|d)(?=.x)', '/abex', '/abcx'],
  ['a{2,3}b', 'aab', 'ab'],
  ['^x{,y$', 'x{,y', 'x'],
  ['\\x{41}', 'A', 'a'],
  ['^(a+)+$', 'aaa', 'aab'],
  ['(\\w)x\\1', 'axa', 'axb'],
];
for (const [source, yes, no] of WORKS) {
  test(`${source} means what Perl means`, (t) => {
    t.true(fits(source, false, yes));
    t.false(fits(source, false, no));
  });
}

test('only ASCII letters have two cases', (t) => {
  t.true(fits('k\xe9[^a]', true, 'K\xe9b'));
  for (const other of ['k\xc9b', '\u212a\xe9b', 'k\xe9A']) t.false(fits('k\xe9[^a]', true, other));
});

const REFUSED: readonly (readonly [source: string, why: RegExp])[] = [
  ...['(?>a)', '(?#c)', '(?|a|b)', '(?R)', '(?s)a'].map((source) => [source, /a group that is not/] as const),
  ...['a++', 'a*+', 'a{1,2}+'].map((source) => [source, /possessive/] as const),
  ...['\\Qa\\E', '\\pL', '\\K', '\\R', '\\G', '\\X', '\\y', '\\g1', '\\o{1}', '[\\B]'].map(
    (source) => [source, /an escape that is not supported/] as const,
  ),
  ...['a{,3}', 'a{ 2 }', 'a{2, 3}'].map((source) => [source, /versions of Perl/] as const),
  ...['*a', '(+a)', '|?'].map((source) => [source, /a repetition of nothing/] as const),
  ...['a**', 'a{2}{3}', 'a??+'].map((source) => [source, /a repetition of a repetition|possessive/] as const),
  ...['(', '(a', '(?:a'].map((source) => [source, /a group without an end/] as const),
  ...['[', '[a', '[]', '[^]'].map((source) => [source, /a character class without an end/] as const),
  ...['\\1', '(a)\\2', '\\10'].map((source) => [source, /without such a group/] as const),
  ...['(a)?\\1', '(?:(a)|b)\\1', '(?!(a))\\1'].map((source) => [source, /may have matched nothing/] as const),
  ...['(?<=a*)b', '(?<!a|b{1,2})c'].map((source) => [source, /no fixed length/] as const),
  ['a)', /a closing parenthesis too many/],
  ['a{2000}', /a repetition over 1000/],
  ['(((a{999}){999}))', /too many repetitions/],
  ['a{3,2}', /wrong way round/],
  ['[b-a]', /wrong way round/],
  ['[\\d-z]', /write \\-/],
  ['[[.a.]]', /a collating element/],
  ['[[:foo:]]', /unknown class/],
  ['^*', /no length/],
  ['\\', /a backslash at the end/],
  ['(*UTF8)a', /a verb/],
  ['(?<a>b)(?<a>c)', /two groups named a/],
  ['\\x{100}', /no byte/],
  ['\u0119', /no byte/],
  ['(?=x)(a+)+', /exponential/],
  ['(?i)(a)(?-i)b\\1(?=c)', /where its|without regard|only a part/],
  ['x'.repeat(2_001), /longer than 2000/],
];
for (const [source, why] of REFUSED.filter(([source]) => !source.startsWith('(?i)(a)(?-i)'))) {
  test(`${source.slice(0, 20)} is refused`, (t) => {
    const compiled = compileTest(source, false);
    t.regex('why' in compiled ? compiled.why : 'taken', why);
  });
}

test('what V8 has to run is known, and what can be done without is', (t) => {
  const boxed = (source: string): boolean | undefined => {
    const compiled = compileTest(source, true);
    return 'boxed' in compiled ? compiled.boxed : undefined;
  };
  for (const source of ['x*(?=b)c', 'x*(?!b+)c', '(a)\\1', '^.*(?!b*)']) t.true(boxed(source), source);
  for (const source of [
    '^/(?!(.*/)?ad[ji])',
    '(?<!relo)ad',
    '(?<=x)a',
    '^/ab(?=c)(?!d)',
    '(a*)*',
    'a(?=b)',
    'x*(?!bc)',
    '^.*a(?!<=b)',
  ])
    t.false(boxed(source), source);
});

test('a replacement sees what Perl gives for groups, and any length of text', (t) => {
  const replace = (source: string, text: string, global: boolean): string | undefined => {
    const compiled = compileReplacer(source, true);
    if ('why' in compiled) throw new Error(compiled.why);
    return compiled.replace(text, global, (groups) => `<${groups.join('|')}>`);
  };
  t.is(replace('(A)|(b)', 'xBa', true), 'x<B||B><a|a|>');
  t.is(replace('(a)|(b)', 'xBa', false), 'x<B||B>a');
  t.is(replace('(?:(a)|b)*', 'abc', false), '<ab|a>c');
  t.is(replace('c', 'ab', true), undefined);
});

test('time grows with the text in a line, for the worst expressions too', (t) => {
  const worst = [
    '^(a+)+$',
    '^(a|a|aa)*$',
    '(.*)*x',
    '^.*a.*b.*c.*d.*e$',
    '(?:a?){200}a{200}',
    '(?<!a)(a|b)*c',
  ];
  for (const source of worst) {
    const compiled = compileTest(source, false);
    if ('why' in compiled) return t.fail(`${source}: ${compiled.why}`);
    const subject = new Subject(`${'a'.repeat(16_000)}!`);
    const before = process.threadCpuUsage().user;
    compiled.test(subject);
    t.true(process.threadCpuUsage().user - before < 1_000_000, source);
  }
});
