import { addAll, type ByteSet, closeCases, inverse, NOT_NEWLINE, rangesOf, setOf } from './byte-set.ts';
import { Cursor, fault } from './cursor.ts';
import { byteOrSet, readEscape, readPosix } from './escapes.ts';
import type { Node } from './node.ts';

/** Highest count of a bounded repetition such as `{2,40}`; RE2's own. */
const REPEAT_MAX = 1_000;
const ASSERTIONS: Readonly<Record<string, 'start' | 'end' | 'word' | 'not-word'>> = {
  A: 'start',
  Z: 'end',
  z: 'end',
  b: 'word',
  B: 'not-word',
};

export interface Parsed {
  readonly node: Node;
  /** number of capturing groups */
  readonly groups: number;
}

/**
 * Reads a Perl expression as PCRE reads it without options but `i`. Throws `ExpressionFault` for whatever is not known
 * to mean one thing in Perl and in Privoxy. No subject has a line feed, so `$`, `\Z` and `\z` are one.
 */
export function parseExpression(source: string, caseless: boolean): Parsed {
  const parser = new Parser(source, caseless);
  return { node: parser.whole(), groups: parser.groups };
}

class Parser {
  readonly #cursor: Cursor;
  readonly #names = new Set<string>();
  #caseless: boolean;
  groups = 0;

  constructor(source: string, caseless: boolean) {
    this.#cursor = new Cursor(source);
    this.#caseless = caseless;
  }

  whole(): Node {
    const node = this.#branches();
    if (!this.#cursor.ended) fault('a closing parenthesis too many');
    return node;
  }

  /** Flags that are set inside hold until the group ends. */
  #branches(): Node {
    const before = this.#caseless;
    const branches = [this.#sequence()];
    while (this.#cursor.take('|')) branches.push(this.#sequence());
    this.#caseless = before;
    const [only] = branches;
    return branches.length === 1 && only !== undefined ? only : { kind: 'any', branches };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (!this.#cursor.ended && this.#cursor.next !== '|' && this.#cursor.next !== ')') {
      const atom = this.#atom();
      if (atom !== undefined) parts.push(this.#repeated(atom));
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'all', parts };
  }

  /** Undefined for what only sets a flag. */
  #atom(): Node | undefined {
    const cursor = this.#cursor;
    if (this.#quantifier() !== undefined) fault('a repetition of nothing');
    if (cursor.take('(')) return this.#group();
    if (cursor.take('[')) return this.#class();
    if (cursor.take('.')) return { kind: 'set', ranges: rangesOf(NOT_NEWLINE) };
    if (cursor.take('^')) return { kind: 'start' };
    if (cursor.take('$')) return { kind: 'end' };
    if (cursor.take('\\')) {
      const escaped = this.#escape();
      if (/\{(?!\d)/y.test(cursor.text.slice(cursor.at, cursor.at + 2)))
        fault('a brace behind an escape: write \\{');
      return escaped;
    }
    return this.#set(cursor.byte());
  }

  #escape(): Node {
    const cursor = this.#cursor;
    const kind = ASSERTIONS[cursor.next];
    if (kind !== undefined) {
      cursor.at++;
      return { kind };
    }
    if (cursor.take('N')) return { kind: 'set', ranges: rangesOf(NOT_NEWLINE) };
    const back = cursor.match(/[1-9]\d*/y)?.[0];
    if (back === undefined) return this.#set(readEscape(cursor));
    if (Number(back) > 9 || Number(back) > this.groups) fault(`\\${back} without such a group before it`);
    return { kind: 'back', group: Number(back), caseless: this.#caseless };
  }

  #set(value: number | ByteSet): Node {
    const set = byteOrSet(value).slice();
    if (this.#caseless) closeCases(set);
    return { kind: 'set', ranges: rangesOf(set) };
  }

  #group(): Node | undefined {
    const cursor = this.#cursor;
    if (cursor.next === '*') fault('a verb of Perl');
    if (!cursor.take('?')) return this.#capture();
    const name = cursor.match(/(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/y);
    if (name !== undefined) return this.#capture(name[1] ?? name[2]);
    const look = cursor.match(/<?[=!]/y)?.[0];
    if (look !== undefined) {
      return { kind: 'look', ahead: look.length === 1, negative: look.endsWith('!'), body: this.#closed() };
    }
    const flags = cursor.match(/(-?)i([:)])|:/y);
    if (flags === undefined) return fault('a group that is not supported');
    const [, minus, end] = flags;
    const before = this.#caseless;
    if (end !== undefined) this.#caseless = minus === '';
    if (end === ')') return undefined;
    const body = this.#closed();
    this.#caseless = before;
    // A group stays one atom for the repetition behind it.
    return { kind: 'all', parts: [body] };
  }

  #capture(name?: string): Node {
    if (name !== undefined && this.#names.has(name)) fault(`two groups named ${name}`);
    if (name !== undefined) this.#names.add(name);
    const index = ++this.groups;
    return { kind: 'group', index, body: this.#closed() };
  }

  #closed(): Node {
    const body = this.#branches();
    if (!this.#cursor.take(')')) fault('a group without an end');
    return body;
  }

  #class(): Node {
    const cursor = this.#cursor;
    const negated = cursor.take('^');
    const set = setOf();
    for (let first = true; first || cursor.next !== ']'; first = false) {
      const from = this.#classItem();
      const isRange = cursor.next === '-' && cursor.text[cursor.at + 1] !== ']';
      if (!isRange) {
        addAll(set, byteOrSet(from));
        continue;
      }
      cursor.at++;
      const to = this.#classItem();
      if (typeof from !== 'number' || typeof to !== 'number')
        return fault('a hyphen beside a class: write \\-');
      if (from > to) fault('a range the wrong way round');
      set.fill(1, from, to + 1);
    }
    cursor.at++;
    if (this.#caseless) closeCases(set);
    const ranges = rangesOf(negated ? inverse(set) : set);
    return ranges.length === 0 ? fault('a class that no character is in') : { kind: 'set', ranges };
  }

  #classItem(): number | ByteSet {
    const cursor = this.#cursor;
    if (cursor.ended) fault('a character class without an end');
    const posix = readPosix(cursor, this.#caseless);
    if (posix !== undefined) return posix;
    if (!cursor.take('\\')) return cursor.byte();
    if (cursor.take('b')) return 0x08;
    return readEscape(cursor);
  }

  #repeated(atom: Node): Node {
    const counts = this.#quantifier();
    if (counts === undefined) return atom;
    if (isAssertion(atom)) fault('a repetition of what has no length');
    const [min, max] = counts;
    if (min > max) fault('a repetition the wrong way round');
    if (min > REPEAT_MAX || (max > REPEAT_MAX && max !== Number.POSITIVE_INFINITY))
      fault(`a repetition over ${REPEAT_MAX}`);
    const lazy = this.#cursor.take('?');
    if (this.#cursor.next === '+') fault('a possessive repetition');
    if (this.#quantifier() !== undefined) fault('a repetition of a repetition');
    return { kind: 'repeat', body: atom, min, max, lazy };
  }

  /** Least and most; undefined when none comes. A brace that is none is a brace. */
  #quantifier(): [min: number, max: number] | undefined {
    const cursor = this.#cursor;
    if (cursor.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (cursor.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (cursor.take('?')) return [0, 1];
    const counts = cursor.match(/\{(\d+)(,?)(\d*)\}/y);
    if (counts !== undefined) {
      const [, low = '', comma, high = ''] = counts;
      if (comma === '') return [Number(low), Number(low)];
      return [Number(low), high === '' ? Number.POSITIVE_INFINITY : Number(high)];
    }
    if (cursor.match(/\{[ \t]*(?:\d+[ \t]*(?:,[ \t]*\d*)?|,[ \t]*\d+)[ \t]*\}/y) !== undefined)
      fault('a repetition that versions of Perl read differently');
    return undefined;
  }
}

function isAssertion(node: Node): boolean {
  return ['start', 'end', 'word', 'not-word', 'look'].includes(node.kind);
}
