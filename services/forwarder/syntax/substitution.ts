import { compileRegex } from './perl-regex.ts';

/** A part of a replacement: text, the number of a group (0 is the whole match), or a variable such as `$origin`. */
export type ReplacementPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'group'; readonly group: number }
  | { readonly kind: 'variable'; readonly name: SubstitutionVariable };

export const SUBSTITUTION_VARIABLES = ['url', 'host', 'path', 'origin', 'listen-address'] as const;
export type SubstitutionVariable = (typeof SUBSTITUTION_VARIABLES)[number];

/** One `s/…/…/` job of a filter or a redirect. */
export interface Substitution {
  readonly regex: RegExp;
  readonly replacement: readonly ReplacementPart[];
}

export type ParsedSubstitution = { readonly substitution: Substitution } | { readonly why: string };

/** Reads `s@pattern@replacement@options`. Options: g, i, D (variables), T (no `$` in the replacement), o. */
export function parseSubstitution(text: string): ParsedSubstitution {
  const delimiter = text[1];
  if (text[0] !== 's' || delimiter === undefined || /[\s\w\\]/.test(delimiter)) {
    return { why: 'a substitution begins with s and a delimiter' };
  }
  const [pattern, replacement, options, ...more] = splitAt(text.slice(2), delimiter);
  if (pattern === undefined || replacement === undefined || options === undefined || more.length > 0) {
    return { why: 'a substitution has three parts' };
  }
  const unknown = /[^giDTo]/.exec(options.trim());
  if (unknown !== null) return { why: `the option "${unknown[0]}" of a substitution is not supported` };
  const global = options.includes('g') ? 'g' : '';
  const compiled = compileRegex(pattern, options.includes('i') ? `${global}i` : global);
  if ('why' in compiled) return compiled;
  return {
    substitution: {
      regex: compiled.regex,
      replacement: options.includes('T')
        ? [{ kind: 'text', text: replacement }]
        : parseReplacement(replacement, options.includes('D')),
    },
  };
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

const REPLACEMENT_TOKEN = /\$(?:(\d)|(&)|([a-z-]+))|\\([\s\S])|[^$\\]+|[\s\S]/g;

function parseReplacement(text: string, dynamic: boolean): ReplacementPart[] {
  const out: ReplacementPart[] = [];
  for (const [whole, digit, ampersand, word, escaped] of text.matchAll(REPLACEMENT_TOKEN)) {
    const name = SUBSTITUTION_VARIABLES.find((variable) => variable === word);
    if (digit !== undefined) out.push({ kind: 'group', group: Number(digit) });
    else if (ampersand !== undefined) out.push({ kind: 'group', group: 0 });
    else if (dynamic && name !== undefined) out.push({ kind: 'variable', name });
    else if (escaped === undefined) out.push({ kind: 'text', text: whole });
    else if (/\d/.test(escaped)) out.push({ kind: 'group', group: Number(escaped) });
    else out.push({ kind: 'text', text: escaped });
  }
  return out;
}
