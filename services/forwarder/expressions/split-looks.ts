import { inverse, rangesOf, setOf } from './byte-set.ts';
import { needsBacktracking, widthOf } from './measure.ts';
import type { Node } from './node.ts';

export interface Condition {
  /** the text must not fit */
  readonly negative: boolean;
  readonly node: Node;
}

/**
 * `^ab(?!c)d` is two expressions without a look-ahead: fits `^abd` and not `^abc`. So it is wherever the look stands
 * behind a start and parts of one length, for then there is one place where it looks from.
 */
export function splitLooks(whole: Node): readonly Condition[] {
  const node = withoutLastLook(whole);
  const parts = node.kind === 'all' ? node.parts : [];
  if (parts[0]?.kind !== 'start') return [{ negative: false, node }];
  const before: Node[] = [];
  const conditions: Condition[] = [];
  let at = 0;
  for (; at < parts.length; at++) {
    const part = parts[at] as Node;
    if (part.kind === 'look' && part.ahead) {
      conditions.push({ negative: part.negative, node: { kind: 'all', parts: [...before, part.body] } });
    } else if (widthOf(part) === undefined || needsBacktracking(part)) {
      break;
    } else {
      before.push(part);
    }
  }
  const rest: Node = { kind: 'all', parts: [...before, ...parts.slice(at)] };
  const all = [...conditions, { negative: false, node: rest }];
  // A back-reference may mean a group that a look has matched; nothing is won where one stays.
  return all.some((condition) => needsBacktracking(condition.node)) ? [{ negative: false, node }] : all;
}

/** Where only a fit counts, a look-ahead at the end is what it looks for, or everything that begins otherwise. */
function withoutLastLook(node: Node): Node {
  const last = node.kind === 'all' ? node.parts.at(-1) : undefined;
  if (node.kind !== 'all' || last?.kind !== 'look' || !last.ahead) return node;
  const tail = last.negative
    ? otherBeginning(last.body.kind === 'all' ? last.body.parts : [last.body])
    : last.body;
  return tail === undefined ? node : { kind: 'all', parts: [...node.parts.slice(0, -1), tail] };
}

/** What fits every text that does not begin with these characters; undefined where they are more than characters. */
function otherBeginning(parts: readonly Node[]): Node | undefined {
  let other: Node | undefined;
  for (const part of parts.toReversed()) {
    if (part.kind !== 'set') return undefined;
    const outside = rangesOf(inverse(setOf(...part.ranges)));
    const branches: Node[] = [{ kind: 'end' }];
    if (outside.length > 0) branches.push({ kind: 'set', ranges: outside });
    if (other !== undefined) branches.push({ kind: 'all', parts: [part, other] });
    other = { kind: 'any', branches };
  }
  return other;
}
