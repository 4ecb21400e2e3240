import { casesClosed, withoutCapitals } from './byte-set.ts';
import { fault } from './cursor.ts';
import { childrenOf, holds, type Node, withChildren } from './node.ts';

/** Characters that a node takes, when that is one number; looks and assertions take none. */
export function widthOf(node: Node): number | undefined {
  switch (node.kind) {
    case 'set':
      return 1;
    case 'back':
      return undefined;
    case 'all':
      return node.parts.map(widthOf).reduce(sum, 0);
    case 'any': {
      const [first, ...others] = node.branches.map(widthOf);
      return others.every((width) => width === first) ? first : undefined;
    }
    case 'group':
      return widthOf(node.body);
    case 'repeat': {
      const width = widthOf(node.body);
      return width !== undefined && node.min === node.max ? width * node.min : undefined;
    }
    default:
      return 0;
  }
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

/** Steps of a program that tries the node once; bounded repetitions are written out by RE2. */
export function sizeOf(node: Node): number {
  const inside = childrenOf(node).reduce((total, child) => total + sizeOf(child), 0);
  if (node.kind !== 'repeat') return inside + 1;
  return inside * (node.max === Number.POSITIVE_INFINITY ? node.min + 1 : Math.max(node.max, 1)) + 1;
}

export function needsBacktracking(node: Node): boolean {
  return holds(node, (inner) => inner.kind === 'back' || (inner.kind === 'look' && inner.ahead));
}

function captures(node: Node): boolean {
  return holds(node, ({ kind }) => kind === 'group');
}

/** What Perl refuses too, or reads otherwise than the engines here. Throws `ExpressionFault`. */
export function checkLooks(node: Node): void {
  if (node.kind === 'look' && !node.ahead) {
    const branches = node.body.kind === 'any' ? node.body.branches : [node.body];
    if (branches.some((branch) => widthOf(branch) === undefined)) fault('a look-behind of no fixed length');
    if (captures(node.body)) fault('a group inside a look-behind');
  }
  for (const child of childrenOf(node)) checkLooks(child);
}

/**
 * A back-reference to a group that took no part fails in Perl and fits in JavaScript: each one must stand where its group
 * has matched for certain. Gives the groups that have behind the node. Throws `ExpressionFault`.
 */
export function checkBacks(node: Node, before: ReadonlySet<number> = new Set()): ReadonlySet<number> {
  switch (node.kind) {
    case 'back':
      if (!before.has(node.group)) fault(`\\${node.group} where its group may have matched nothing`);
      return before;
    case 'all':
      return node.parts.reduce((set, part) => checkBacks(part, set), before);
    case 'any': {
      const sets = node.branches.map((branch) => checkBacks(branch, before));
      return new Set([...(sets[0] ?? [])].filter((group) => sets.every((set) => set.has(group))));
    }
    case 'group':
      return new Set([...checkBacks(node.body, before), node.index]);
    case 'repeat': {
      const after = checkBacks(node.body, before);
      return node.min > 0 ? after : before;
    }
    case 'look': {
      const after = checkBacks(node.body, before);
      return node.negative ? before : after;
    }
    default:
      return before;
  }
}

/** Groups inside repetitions: JavaScript forgets at each turn what they held, Perl does not. */
export function repeatsGroups(node: Node): boolean {
  return holds(node, (inner) => inner.kind === 'repeat' && inner.max > 1 && captures(inner.body));
}

/** A repetition of what may be empty: engines differ in how its last, empty turn ends the match. */
export function repeatsEmpty(node: Node): boolean {
  return holds(node, (inner) => inner.kind === 'repeat' && inner.max > 1 && mayBeEmpty(inner.body));
}

function mayBeEmpty(node: Node): boolean {
  switch (node.kind) {
    case 'set':
      return false;
    case 'all':
      return node.parts.every(mayBeEmpty);
    case 'any':
      return node.branches.some(mayBeEmpty);
    case 'group':
      return mayBeEmpty(node.body);
    case 'repeat':
      return node.min === 0 || mayBeEmpty(node.body);
    default:
      return true;
  }
}

/** An unbounded repetition inside a repetition: exponential where an engine goes back. */
export function nestsRepetitions(node: Node): boolean {
  const endless = (inner: Node): boolean => inner.kind === 'repeat' && inner.max === Number.POSITIVE_INFINITY;
  return holds(node, (outer) => outer.kind === 'repeat' && outer.max > 1 && holds(outer.body, endless));
}

/** Whether the node fits a text exactly where it fits the same text in small letters. */
export function foldable(node: Node): boolean {
  return !holds(node, (inner) =>
    inner.kind === 'set' ? !casesClosed(inner.ranges) : inner.kind === 'back' && !inner.caseless,
  );
}

export function folded(node: Node): Node {
  if (node.kind === 'set') return { ...node, ranges: withoutCapitals(node.ranges) };
  return withChildren(node, folded);
}
