import test from 'ava';
import fc from 'fast-check';
import { compileReplacer, compileTest } from '../../../services/forwarder/expressions/expression.ts';
import { Subject } from '../../../services/forwarder/expressions/subject.ts';
import { askPerl, type PerlQuestion } from '../support/perl.ts';

const SEED = 20_261_129;

/** What differs between ours and Perl for one question; undefined: ours refuses it. */
function compare({ source, caseless, subjects }: PerlQuestion, perl: ReturnType<typeof askPerl>[number]) {
  const tester = compileTest(source, caseless);
  const replacer = compileReplacer(source, caseless);
  if ('why' in tester) return undefined;
  if (perl === 'refused') return ['Perl refuses it'];
  return subjects.flatMap((subject, at) => {
    const expected = perl[at];
    const found: unknown[] = [];
    if (tester.test(new Subject(subject)) !== (expected !== undefined))
      found.push({ subject, test: expected });
    if ('why' in replacer) return found;
    const mark = (groups: readonly string[]): string => `<${groups.join('|')}>`;
    const ours = [replacer.replace(subject, false, mark), replacer.replace(subject, true, mark)];
    if (ours[0] !== expected?.[0] || ours[1] !== expected?.[1]) found.push({ subject, ours, expected });
    return found;
  });
}

function agree(questions: readonly PerlQuestion[]): { taken: number; boxed: number; differing: unknown[] } {
  const answers = askPerl(questions);
  const differing: unknown[] = [];
  let taken = 0;
  let boxed = 0;
  for (const [at, question] of questions.entries()) {
    const found = compare(question, answers[at] ?? 'refused');
    if (found === undefined) continue;
    taken++;
    const compiled = compileTest(question.source, question.caseless);
    if ('boxed' in compiled && compiled.boxed) boxed++;
    if (found.length > 0) differing.push({ source: question.source, caseless: question.caseless, found });
  }
  return { taken, boxed, differing };
}

/** Subjects have no line feed, as header lines and addresses have none; Perl, unlike PCRE, finds /s|x/i in a sharp s. */
const SUBJECT_BYTES = [
  ...'aAbBcz019 _-/.]:^\\k',
  '\t',
  '\r',
  '\v',
  '\f',
  '\x1b',
  '\x07',
  '\x08',
  '\x00',
  '\x85',
];
const subject = fc.string({
  maxLength: 9,
  unit: fc.constantFrom(...SUBJECT_BYTES, '\xa0', '\xe9', '\xc9', '\xb5', '\xff'),
});
const subjects = fc.array(subject, { minLength: 6, maxLength: 10 });

const SETS = [
  ...[
    'a',
    'b',
    'B',
    '0',
    ' ',
    '_',
    '-',
    '/',
    '.',
    '\\.',
    '\\d',
    '\\D',
    '\\w',
    '\\W',
    '\\s',
    '\\S',
    '\\h',
    '\\H',
  ],
  ...[
    '\\v',
    '\\V',
    '\\N',
    '\\t',
    '\\r',
    '\\f',
    '\\e',
    '\\a',
    '\\x41',
    '\\x6',
    '\\x',
    '\\x{e9}',
    '\\0',
    '\\012',
  ],
  ...[
    '\\cA',
    '\\-',
    '\\]',
    '\\\\',
    '[ab]',
    '[^ab]',
    '[]a]',
    '[^]a]',
    '[a-c0]',
    '[^a-c]',
    '[a-]',
    '[-a]',
    '[\\w-]',
  ],
  ...[
    '[\\]a]',
    '[[:digit:]]',
    '[[:^digit:]a]',
    '[^[:alpha:]]',
    '[[:upper:]]',
    '[[:space:]x]',
    '[\\b]',
    '[a\\-z]',
  ],
  ...[
    '[\\d\\s]',
    '[^\\W]',
    '[[a]',
    '[[:a]',
    '[a^]',
    '\xe9',
    '[\xe9\xff]',
    '[\\x00-\\x1f]',
    '[A-Z]',
    'k',
    '{',
    '}',
    'a{',
    ']',
  ],
];
const ATOMS = [
  ...SETS,
  '^',
  '$',
  '\\A',
  '\\z',
  '\\Z',
  '\\b',
  '\\B',
  '\\1',
  '(?i)',
  '(?-i)',
  '(a|b)\\1',
  '(\\w)c?\\1',
  '(?=[ab])',
  '(?!ab)',
];
const COUNTS = [
  '*',
  '+',
  '?',
  '{2}',
  '{1,2}',
  '{0,1}',
  '{1,}',
  '{0}',
  '*?',
  '+?',
  '??',
  '{1,2}?',
  '',
  '',
  '',
  '',
  '',
];
const GROUPS = ['(', '(', '(?:', '(?:', '(?i:', '(?-i:', '(?<n>', '(?P<m>', '(?=', '(?!', '(?<=', '(?<!'];

const { sequence } = fc.letrec<{ sequence: string; piece: string }>((tie) => ({
  sequence: fc.array(tie('piece'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
  piece: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.tuple(fc.constantFrom(...ATOMS), fc.constantFrom(...COUNTS)).map((parts) => parts.join('')),
    fc
      .tuple(
        fc.constantFrom(...GROUPS),
        fc.array(tie('sequence'), { minLength: 1, maxLength: 2 }),
        fc.constantFrom(...COUNTS),
      )
      .map(([open, branches, count]) => `${open}${branches.join('|')})${count}`),
  ),
}));

test('well-formed expressions do what Perl does, or are refused', (t) => {
  t.timeout(120_000);
  const questions = fc.sample(fc.record({ source: sequence, caseless: fc.boolean(), subjects }), {
    numRuns: 10_000,
    seed: SEED,
  });
  const { taken, boxed, differing } = agree(questions);
  t.deepEqual(differing, []);
  t.true(taken > 2_500, `${taken} are taken`);
  t.true(boxed > 100, `${boxed} need the box`);
});

test('any text does as an expression what it does in Perl, or is refused', (t) => {
  t.timeout(120_000);
  const unit = fc.constantFrom(...'aab()[]{}*+?|\\^$.:!<=>P,012-#idDwWsSbBzZAvVhHnxe _');
  const source = fc.string({ maxLength: 14, unit });
  const questions = fc.sample(fc.record({ source, caseless: fc.boolean(), subjects }), {
    numRuns: 20_000,
    seed: SEED,
  });
  const { taken, differing } = agree(questions);
  t.deepEqual(differing, []);
  t.true(taken > 2_000, `${taken} are taken`);
});
