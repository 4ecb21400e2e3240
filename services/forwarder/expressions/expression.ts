import { GatewayError } from '@allium/common/bytes/errors.ts';
import { ExpressionFault, fault } from './cursor.ts';
import { backtrackingEngine, type Engine, linearEngine } from './engine.ts';
import { exactTexts, neededTexts } from './literals.ts';
import {
  checkBacks,
  checkLooks,
  foldable,
  folded,
  needsBacktracking,
  nestsRepetitions,
  repeatsEmpty,
  repeatsGroups,
  sizeOf,
} from './measure.ts';
import { holds, type Node } from './node.ts';
import { parseExpression } from './parse.ts';
import { splitLooks } from './split-looks.ts';
import { type Subject, smallLetters } from './subject.ts';

/** Characters of one expression; the longest in Debian's files has about 250. */
export const EXPRESSION_MAX = 2_000;
/** Steps of one expression with its bounded repetitions written out. */
const SIZE_MAX = 10_000;
/** Characters that the searches of one global replacement may look at together. */
const EFFORT_MAX = 1 << 23;

/** A global replacement found too much in too long a text. */
export class EffortError extends GatewayError<{ readonly code: 'effort' }> {}

/** What a match gives for a replacement: the whole at 0, then the groups, empty where one took no part. */
export type Groups = readonly string[];

/** An expression that is only asked whether it fits. */
export interface Test {
  /** only an engine that goes back can run it: it needs a time limit */
  readonly boxed: boolean;
  test(subject: Subject): boolean;
}

/** An expression whose matches are replaced. */
export interface Replacer {
  readonly boxed: boolean;
  /** number of groups */
  readonly groups: number;
  /** The new text, or undefined without a match. Throws `EffortError`. */
  replace(text: string, global: boolean, by: (groups: Groups) => string): string | undefined;
}

export type Compiled<T> = T | { readonly why: string };

/** A Perl expression for testing. Refused is what Perl, PCRE and the engines here might read in two ways. */
export function compileTest(source: string, caseless: boolean): Compiled<Test> {
  return compiled(source, caseless, (node) => {
    const parts = splitLooks(node);
    const tests = parts.map((part) => ({ negative: part.negative, test: testOf(part.node) }));
    return {
      boxed: tests.some(({ test }) => test.boxed),
      test: (subject) => tests.every(({ negative, test }) => test.test(subject) !== negative),
    };
  });
}

/** A Perl expression for replacing. */
export function compileReplacer(source: string, caseless: boolean): Compiled<Replacer> {
  return compiled(source, caseless, (node, groups) => {
    if (repeatsEmpty(node)) fault('a repetition of what may be empty');
    const small = foldable(node);
    const read = small ? folded(node) : node;
    const boxed = needsBacktracking(read);
    if (boxed && repeatsGroups(read))
      fault('a group in a repetition, beside a look-ahead or a back-reference');
    const engine = boxed ? boxedEngine(read, small) : linearEngine(read);
    const needed = neededTexts(read);
    return {
      boxed,
      groups,
      replace: (text, global, by) => {
        const searched = small ? smallLetters(text) : text;
        if (needed?.some((part) => searched.includes(part)) === false) return undefined;
        return replaceAll({ text, searched, engine, global, by });
      },
    };
  });
}

function compiled<T>(
  source: string,
  caseless: boolean,
  build: (node: Node, groups: number) => T,
): Compiled<T> {
  if (source.length > EXPRESSION_MAX) return { why: `expression longer than ${EXPRESSION_MAX} characters` };
  try {
    const { node, groups } = parseExpression(source, caseless);
    checkLooks(node);
    checkBacks(node);
    if (sizeOf(node) > SIZE_MAX) fault('too many repetitions');
    return build(node, groups);
  } catch (error) {
    if (error instanceof ExpressionFault) return { why: `expression with ${error.message}` };
    throw error;
  }
}

function testOf(node: Node): Test {
  const small = foldable(node);
  const read = small ? folded(node) : node;
  const plain = plainTest(read);
  const needed = plain === undefined ? neededTexts(read) : undefined;
  const boxed = plain === undefined && needsBacktracking(read);
  const engine = plain === undefined ? (boxed ? boxedEngine(read, small) : linearEngine(read)) : undefined;
  const fits = plain ?? ((text: string) => engine?.test(text) === true);
  return {
    boxed,
    test: (subject) => {
      const text = small ? subject.small : subject.text;
      return needed?.some((part) => text.includes(part)) !== false && fits(text);
    },
  };
}

function boxedEngine(node: Node, small: boolean): Engine {
  if (nestsRepetitions(node)) fault('a repetition inside a repetition, which can take exponential time');
  if (!small && holds(node, (inner) => inner.kind === 'back' && inner.caseless))
    fault('a back-reference where only a part is without regard to case');
  return backtrackingEngine(node);
}

/** An expression of plain texts, perhaps fixed to an end of the subject, needs no engine. */
function plainTest(node: Node): ((text: string) => boolean) | undefined {
  const parts = node.kind === 'all' ? node.parts : [node];
  const start = parts[0]?.kind === 'start';
  const end = parts.length > 1 && parts.at(-1)?.kind === 'end';
  const inner: Node = { kind: 'all', parts: parts.slice(start ? 1 : 0, end ? -1 : undefined) };
  if (holds(inner, ({ kind }) => ['start', 'end', 'word', 'not-word', 'look', 'back'].includes(kind)))
    return undefined;
  const texts = exactTexts(inner);
  if (texts === undefined) return undefined;
  if (start && end) return (text) => texts.includes(text);
  if (start) return (text) => texts.some((part) => text.startsWith(part));
  if (end) return (text) => texts.some((part) => text.endsWith(part));
  return (text) => texts.some((part) => text.includes(part));
}

interface Replacement {
  readonly text: string;
  /** the same text as the engine wants it */
  readonly searched: string;
  readonly engine: Engine;
  readonly global: boolean;
  readonly by: (groups: Groups) => string;
}

/** As Privoxy's `g` (pcrs.c): behind an empty match the next search begins one character further. */
function replaceAll({ text, searched, engine, global, by }: Replacement): string | undefined {
  let out = '';
  let copied = 0;
  let effort = 0;
  let hit = false;
  for (let from = 0; from <= text.length; ) {
    effort += text.length - from;
    if (effort > EFFORT_MAX) throw new EffortError({ code: 'effort' });
    const found = engine.find(searched, from);
    const [start, end] = found ?? [];
    if (found === undefined || start === undefined || end === undefined) break;
    hit = true;
    out += text.slice(copied, start) + by(groupsOf(text, found));
    copied = end;
    from = end > start ? end : end + 1;
    if (!global) break;
  }
  return hit ? out + text.slice(copied) : undefined;
}

function groupsOf(text: string, found: readonly number[]): string[] {
  return Array.from({ length: found.length / 2 }, (_, group) =>
    (found[2 * group] ?? -1) < 0 ? '' : text.slice(found[2 * group], found[2 * group + 1]),
  );
}
