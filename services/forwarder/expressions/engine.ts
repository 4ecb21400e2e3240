import { RE2JS } from 're2js';
import { fault } from './cursor.ts';
import type { Node } from './node.ts';
import { writeExpression } from './write.ts';

/** Runs one expression over texts of bytes. */
export interface Engine {
  test(text: string): boolean;
  /** Starts and ends of the whole and of each group, -1 for a group that took no part; undefined: no match. */
  find(text: string, from: number): readonly number[] | undefined;
}

/** RE2: time grows with the text as a line does, whatever the expression. */
export function linearEngine(node: Node): Engine {
  const compiled = compileLinear(writeExpression(node));
  return {
    test: (text) => compiled.test(text),
    find: (text, from) => {
      const matcher = compiled.matcher(text);
      if (!matcher.find(from)) return undefined;
      return Array.from({ length: compiled.groupCount() + 1 }, (_, group) => [
        matcher.start(group),
        matcher.end(group),
      ]).flat();
    },
  };
}

function compileLinear(source: string): RE2JS {
  try {
    return RE2JS.compile(source, RE2JS.LOOKBEHINDS);
  } catch {
    return fault('an expression that RE2 does not take');
  }
}

/** V8's own: it goes back and may take very long. */
export function backtrackingEngine(node: Node): Engine {
  const source = writeExpression(node);
  const tester = new RegExp(source);
  const finder = new RegExp(source, 'gd');
  return {
    test: (text) => tester.test(text),
    find: (text, from) => {
      finder.lastIndex = from;
      return finder.exec(text)?.indices?.flatMap((pair) => pair ?? [-1, -1]);
    },
  };
}
