/** Characters of one expression; the longest in Debian's files has about 250. */
export const REGEX_MAX = 2_000;

/** Highest count of a bounded repetition such as `{2,40}`. */
const REPEAT_MAX = 1_000;

export type CompiledRegex = { readonly regex: RegExp } | { readonly why: string };

/** Perl syntax that JavaScript reads differently or not at all, and that no file of Debian's uses. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/\\[QEGKRXCN]/, 'an escape of Perl'],
  [/\\[pPx]\{/, 'a braced escape'],
  [/\(\?(?:>|#|R|\d|&|\(|\||P=|P>)/, 'a group of Perl'],
  [/\(\?[a-zA-Z^-]+:/, 'a group with flags'],
  [/(?:[*+?]|\})\+/, 'a possessive quantifier'],
];

const POSIX: Readonly<Record<string, string>> = {
  alpha: 'a-zA-Z',
  digit: '0-9',
  alnum: 'a-zA-Z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  xdigit: '0-9a-fA-F',
  word: '\\w',
  print: '\\x20-\\x7e',
  graph: '\\x21-\\x7e',
  cntrl: '\\x00-\\x1f\\x7f',
};

/**
 * A Perl expression as JavaScript's. Refused: what JavaScript has no equal for, expressions over `REGEX_MAX`, and an
 * unbounded repetition inside another one (the exponential kind). What is left may still be slow on hostile input:
 * callers match short texts and under a time limit.
 */
export function compileRegex(source: string, flags: 'i' | '' | 'gi' | 'g'): CompiledRegex {
  if (source.length > REGEX_MAX) return { why: `expression longer than ${REGEX_MAX} characters` };
  const { body, caseless } = leadingFlags(source, flags.includes('i'));
  const bare = body.replaceAll(/\\\\/g, '');
  for (const [found, what] of UNSUPPORTED) {
    if (found.test(bare)) return { why: `expression with ${what}, which is not supported` };
  }
  const why = repetitionFault(body);
  if (why !== undefined) return { why };
  try {
    return { regex: new RegExp(translate(body), (flags.includes('g') ? 'g' : '') + (caseless ? 'i' : '')) };
  } catch {
    return { why: 'not a valid expression' };
  }
}

/** `(?i)` and `(?-i)` at the start are flags of the whole; Privoxy's manual writes them behind the first slash. */
function leadingFlags(source: string, caseless: boolean): { body: string; caseless: boolean } {
  const flag = /^(\^?\/?)\(\?(-?)i\)/.exec(source);
  if (flag === null) return { body: source, caseless };
  return { body: (flag[1] ?? '') + source.slice(flag[0].length), caseless: flag[2] === '' };
}

function translate(body: string): string {
  return body
    .replaceAll('(?P<', '(?<')
    .replaceAll(/\[:(\^?)(\w+):\]/g, (whole, not: string, name: string) =>
      not === '' ? (POSIX[name] ?? whole) : whole,
    )
    .replaceAll(/(\\\\)|\\([AzZh])/g, (_, escaped: string | undefined, letter: string) => {
      if (escaped !== undefined) return escaped;
      if (letter === 'A') return '^';
      return letter === 'h' ? '[ \\t]' : '$';
    });
}

/** Tokens that matter for repetition: escapes, classes, group ends, quantifiers. */
const TOKEN =
  /\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\((?:\?(?:[:=!]|<[=!]|P?<\w+>))?|\)|[*+]\??|\{\d*(?:,\d*)?\}\??|./gs;

/** What is known of a group, or of the last atom: whether an unbounded repetition is inside. */
interface Unit {
  unbounded: boolean;
}

function repetitionFault(body: string): string | undefined {
  const groups: Unit[] = [{ unbounded: false }];
  let last: Unit = { unbounded: false };
  for (const [token] of body.matchAll(TOKEN)) {
    const repeat = repetition(token);
    if (repeat === undefined) {
      last = nextUnit(token, groups);
      continue;
    }
    const endless = repeat === Number.POSITIVE_INFINITY;
    if (repeat > REPEAT_MAX && !endless) return `repetition over ${REPEAT_MAX}`;
    if (repeat > 1 && last.unbounded)
      return 'a repetition inside a repetition, which can take exponential time';
    if (endless) markUnbounded(groups);
    last = { unbounded: false };
  }
  return undefined;
}

/** Follows groups; the unit that a quantifier behind this token repeats. */
function nextUnit(token: string, groups: Unit[]): Unit {
  if (token.startsWith('(')) groups.push({ unbounded: false });
  if (token !== ')' || groups.length === 1) return { unbounded: false };
  const closed = groups.pop() ?? { unbounded: false };
  if (closed.unbounded) markUnbounded(groups);
  return closed;
}

function markUnbounded(groups: readonly Unit[]): void {
  const inner = groups.at(-1);
  if (inner !== undefined) inner.unbounded = true;
}

/** How often a quantifier repeats at most; undefined for any other token. */
function repetition(token: string): number | undefined {
  if (token[0] === '*' || token[0] === '+') return Number.POSITIVE_INFINITY;
  const counts = /^\{(\d+)(?:(,)(\d*))?\}/.exec(token);
  if (counts === null) return undefined;
  if (counts[2] === undefined) return Number(counts[1]);
  return counts[3] === '' ? Number.POSITIVE_INFINITY : Number(counts[3]);
}
