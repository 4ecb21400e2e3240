import { compileReplacer, type Replacer } from '../expressions/expression.ts';

/** A part of a replacement: text, the number of a group (0 is the whole match), or a variable such as `$origin`. */
export type ReplacementPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'group'; readonly group: number }
  | { readonly kind: 'variable'; readonly name: SubstitutionVariable };

export const SUBSTITUTION_VARIABLES = ['url', 'host', 'path', 'origin', 'listen-address'] as const;
export type SubstitutionVariable = (typeof SUBSTITUTION_VARIABLES)[number];

/** One `s/…/…/` job of a filter or a redirect. */
export interface Substitution {
  readonly replacer: Replacer;
  readonly global: boolean;
  readonly replacement: readonly ReplacementPart[];
}

export type ParsedSubstitution = { readonly substitution: Substitution } | { readonly why: string };

/**
 * Reads `s@pattern@replacement@options`. Options: g, i, D (variables), T (no `$` in the replacement); o, s and m, which
 * make no difference where a subject is one line.
 */
export function parseSubstitution(text: string): ParsedSubstitution {
  const delimiter = text[1];
  if (text[0] !== 's' || delimiter === undefined || /[\s\w\\]/.test(delimiter)) {
    return { why: 'a substitution begins with s and a delimiter' };
  }
  const [pattern, replacement, options, ...more] = splitAt(text.slice(2), delimiter);
  if (pattern === undefined || replacement === undefined || options === undefined || more.length > 0) {
    return { why: 'a substitution has three parts' };
  }
  const unknown = /[^giDTosm]/.exec(options.trim());
  if (unknown !== null) return { why: `the option "${unknown[0]}" of a substitution is not supported` };
  const replacer = compileReplacer(pattern, options.includes('i'));
  if ('why' in replacer) return replacer;
  const parts = options.includes('T')
    ? [{ kind: 'text', text: replacement } as const]
    : parseReplacement(replacement, options.includes('D'), replacer.groups);
  return 'why' in parts
    ? parts
    : { substitution: { replacer, global: options.includes('g'), replacement: parts } };
}

/** Cuts at the delimiter, but not where it is escaped; there only the escape is removed. */
function splitAt(text: string, delimiter: string): string[] {
  const parts = [''];
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    const next = text[at + 1];
    if (character === '\\' && next !== undefined) {
      parts[parts.length - 1] += next === delimiter ? next : character + next;
      at++;
    } else if (character === delimiter) {
      parts.push('');
    } else {
      parts[parts.length - 1] += character;
    }
  }
  return parts;
}

/** What stands for one character behind a backslash (pcrs.c); anything else stands for itself. */
const CONTROLS: Readonly<Record<string, string>> = {
  t: '\t',
  n: '\n',
  r: '\r',
  f: '\f',
  a: '\x07',
  e: '\x1b',
  '0': '\0',
};
const REPLACEMENT_TOKEN = /\$(?:(\d+)|([&+'`])|([a-z-]+))|\\(?:x([0-9a-fA-F]{2})|([\s\S]))|[^$\\]+|[\s\S]/g;

function parseReplacement(
  text: string,
  dynamic: boolean,
  groups: number,
): ReplacementPart[] | { readonly why: string } {
  const out: ReplacementPart[] = [];
  for (const [whole, digits, symbol, word, hex, escaped] of text.matchAll(REPLACEMENT_TOKEN)) {
    const group = groupNumber(digits, symbol, groups);
    const variable = dynamic ? SUBSTITUTION_VARIABLES.find((name) => name === word) : undefined;
    if (group !== undefined && !(group <= groups)) return { why: `${whole} where there is no such group` };
    if (group !== undefined) out.push({ kind: 'group', group });
    else if (variable !== undefined) out.push({ kind: 'variable', name: variable });
    else out.push({ kind: 'text', text: plainText(whole, hex, escaped) });
  }
  return out;
}

/** NaN for `$'` and `` $` ``, which Privoxy reads and leaves empty. */
function groupNumber(
  digits: string | undefined,
  symbol: string | undefined,
  groups: number,
): number | undefined {
  if (digits !== undefined) return Number(digits);
  if (symbol === undefined) return undefined;
  return symbol === '&' ? 0 : symbol === '+' ? groups : Number.NaN;
}

function plainText(whole: string, hex: string | undefined, escaped: string | undefined): string {
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
  return escaped === undefined ? whole : (CONTROLS[escaped] ?? escaped);
}
