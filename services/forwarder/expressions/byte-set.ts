import type { ByteRanges } from './node.ts';

/** One flag for each byte value. */
export type ByteSet = Uint8Array;

export function setOf(...ranges: readonly (readonly [from: number, to: number])[]): ByteSet {
  const set = new Uint8Array(256);
  for (const [from, to] of ranges) set.fill(1, from, to + 1);
  return set;
}

export function addAll(set: ByteSet, more: ByteSet): void {
  for (let at = 0; at < 256; at++) set[at] = (set[at] ?? 0) | (more[at] ?? 0);
}

export function inverse(set: ByteSet): ByteSet {
  return set.map((held) => 1 - held);
}

/** Adds the other case of every ASCII letter: Privoxy's expressions know no other letters. */
export function closeCases(set: ByteSet): void {
  for (let at = 0x41; at <= 0x5a; at++) {
    const held = (set[at] ?? 0) | (set[at + 32] ?? 0);
    set[at] = held;
    set[at + 32] = held;
  }
}

export function rangesOf(set: ByteSet): ByteRanges {
  const out: [number, number][] = [];
  for (let at = 0; at < 256; at++) {
    if (set[at] !== 1) continue;
    const last = out.at(-1);
    if (last !== undefined && last[1] === at - 1) last[1] = at;
    else out.push([at, at]);
  }
  return out;
}

/** Whether each letter is in the set in both cases or in none. */
export function casesClosed(ranges: ByteRanges): boolean {
  const set = setOf(...ranges);
  for (let at = 0x41; at <= 0x5a; at++) if (set[at] !== set[at + 32]) return false;
  return true;
}

/** Without capital letters, for subjects that have none. */
export function withoutCapitals(ranges: ByteRanges): ByteRanges {
  return rangesOf(setOf(...ranges).fill(0, 0x41, 0x5b));
}

const DIGIT = setOf([0x30, 0x39]);
const UPPER = setOf([0x41, 0x5a]);
const LOWER = setOf([0x61, 0x7a]);
const WORD = setOf([0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]);
const SPACE = setOf([0x09, 0x0d], [0x20, 0x20]);
const HORIZONTAL = setOf([0x09, 0x09], [0x20, 0x20], [0xa0, 0xa0]);
const VERTICAL = setOf([0x0a, 0x0d], [0x85, 0x85]);
export const NOT_NEWLINE = inverse(setOf([0x0a, 0x0a]));

/** The letters behind a backslash that stand for sets (perlrecharclass, "Backslash sequences"; no locale). */
export const ESCAPED_SETS: Readonly<Record<string, ByteSet>> = {
  d: DIGIT,
  D: inverse(DIGIT),
  w: WORD,
  W: inverse(WORD),
  s: SPACE,
  S: inverse(SPACE),
  h: HORIZONTAL,
  H: inverse(HORIZONTAL),
  v: VERTICAL,
  V: inverse(VERTICAL),
};

/** perlrecharclass, "POSIX Character Classes". */
export const POSIX_SETS: Readonly<Record<string, ByteSet>> = {
  alpha: setOf([0x41, 0x5a], [0x61, 0x7a]),
  digit: DIGIT,
  alnum: setOf([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a]),
  upper: UPPER,
  lower: LOWER,
  space: SPACE,
  blank: setOf([0x09, 0x09], [0x20, 0x20]),
  punct: setOf([0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e]),
  xdigit: setOf([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]),
  word: WORD,
  print: setOf([0x20, 0x7e]),
  graph: setOf([0x21, 0x7e]),
  cntrl: setOf([0x00, 0x1f], [0x7f, 0x7f]),
  ascii: setOf([0x00, 0x7f]),
};
