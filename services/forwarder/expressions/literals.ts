import type { ByteRanges, Node } from './node.ts';

/** Texts of which at least one must stand in whatever the expression fits. */
const TEXTS_MAX = 24;
const LENGTH_MAX = 64;
/** A set of more characters than this is not written out. */
const SET_MAX = 4;

interface Known {
  /** every text that the node can take; undefined when they are too many */
  readonly exact?: readonly string[];
  /** at least one of them is in every text that the node takes */
  readonly needed?: readonly string[];
}

/** Undefined when nothing certain is known. */
export function neededTexts(node: Node): readonly string[] | undefined {
  const known = knownOf(node);
  return better(usable(known.exact), known.needed);
}

/** Every text that the node can take, when they are few; looks are left out of account. */
export function exactTexts(node: Node): readonly string[] | undefined {
  return knownOf(node).exact;
}

function knownOf(node: Node): Known {
  switch (node.kind) {
    case 'set':
      return { ...bounded(charactersOf(node.ranges)) };
    case 'all':
      return sequence(node.parts);
    case 'any':
      return choice(node.branches.map(knownOf));
    case 'group':
      return knownOf(node.body);
    case 'repeat':
      return repetition(knownOf(node.body), node.min, node.max);
    case 'back':
      return {};
    default:
      return { exact: [''] };
  }
}

function charactersOf(ranges: ByteRanges): string[] | undefined {
  const count = ranges.reduce((total, [from, to]) => total + to - from + 1, 0);
  if (count > SET_MAX) return undefined;
  return ranges.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, at) => String.fromCharCode(from + at)),
  );
}

function bounded(texts: readonly string[] | undefined): { exact?: readonly string[] } {
  if (texts === undefined || texts.length > TEXTS_MAX || texts.some((text) => text.length > LENGTH_MAX))
    return {};
  return { exact: [...new Set(texts)] };
}

/** Runs of parts with few texts are put together; the best of them is needed. */
function sequence(parts: readonly Node[]): Known {
  let run: readonly string[] = [''];
  let best: readonly string[] | undefined;
  let whole = true;
  for (const part of parts) {
    const known = knownOf(part);
    const longer = bounded(known.exact?.flatMap((end) => run.map((start) => start + end))).exact;
    if (longer !== undefined) {
      run = longer;
      continue;
    }
    whole = false;
    best = better(better(best, usable(run)), known.needed);
    run = known.exact ?? [''];
  }
  return whole ? { exact: run } : withNeeded(better(best, usable(run)));
}

function choice(branches: readonly Known[]): Known {
  const exact = branches.every((branch) => branch.exact !== undefined)
    ? bounded(branches.flatMap((branch) => branch.exact ?? [])).exact
    : undefined;
  if (exact !== undefined) return { exact };
  const each = branches.map((branch) => better(usable(branch.exact), branch.needed));
  const all = each.every((texts) => texts !== undefined) ? each.flatMap((texts) => texts ?? []) : undefined;
  return withNeeded(all !== undefined && all.length <= TEXTS_MAX ? all : undefined);
}

function repetition(body: Known, min: number, max: number): Known {
  if (body.exact !== undefined && max === 1) return min === 1 ? body : bounded(['', ...body.exact]);
  if (min === 0) return {};
  return withNeeded(better(usable(body.exact), body.needed));
}

function withNeeded(needed: readonly string[] | undefined): Known {
  return needed === undefined ? {} : { needed };
}

/** Texts that say something: none is empty. */
function usable(texts: readonly string[] | undefined): readonly string[] | undefined {
  return texts?.every((text) => text !== '') === true ? texts : undefined;
}

/** The longer its shortest text, the rarer. */
function better(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const shortest = (texts: readonly string[]): number => Math.min(...texts.map((text) => text.length));
  return shortest(b) > shortest(a) ? b : a;
}
