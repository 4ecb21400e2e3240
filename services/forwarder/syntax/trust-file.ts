import { readLines } from './lines.ts';
import type { Notes } from './notes.ts';
import { parseUrlPattern, type UrlPattern } from './url-pattern.ts';

/** One line of a trust list; the last one that fits an address decides. */
export interface TrustRule {
  readonly pattern: UrlPattern;
  readonly trusted: boolean;
}

/** Lines of one file. */
const RULES_MAX = 10_000;

/**
 * Reads Privoxy's `trustfile`: `~pattern` lets in, a bare pattern does not. `+pattern` would let in whatever a page of
 * that site links to, which nobody can know, and is refused.
 */
export function parseTrustFile(file: string, text: string, notes: Notes): TrustRule[] {
  const rules: TrustRule[] = [];
  for (const line of readLines(file, text, notes)) {
    if (rules.length >= RULES_MAX) {
      notes.refuse(line, `more than ${RULES_MAX} lines`);
      break;
    }
    const trusted = line.text.startsWith('~');
    if (line.text.startsWith('+')) {
      notes.refuse(line, `"+" would trust whatever such a page links to: write "~${line.text.slice(1)}"`);
      continue;
    }
    const parsed = parseUrlPattern(trusted ? line.text.slice(1).trim() : line.text);
    if ('why' in parsed) notes.refuse(line, parsed.why);
    else rules.push({ pattern: parsed.pattern, trusted });
  }
  return rules;
}
