/** A part of a glob: any text, any character, or a character in one of the ranges. */
export type GlobPart = 'text' | 'character' | readonly (readonly [from: string, to: string])[];

/** One label of a host pattern: a plain text, or a glob of `*`, `?` and `[a-z]` in its parts. */
export type LabelGlob = string | readonly GlobPart[];

export function parseGlob(text: string): LabelGlob {
  if (!/[*?[]/.test(text)) return text;
  return (text.match(/\[[^\]]*\]|[\s\S]/g) ?? []).map((part) => {
    if (part === '*') return 'text';
    if (part === '?') return 'character';
    if (part.length === 1) return [[part, part]];
    return [...part.slice(1, -1).matchAll(/([\s\S])(?:-([\s\S]))?/g)].map(
      ([, from = '', to = from]) => [from, to] as const,
    );
  });
}

/** Linear in both but for the last star. */
export function matchesGlob(glob: LabelGlob, text: string): boolean {
  if (typeof glob === 'string') return glob === text;
  let part = 0;
  let at = 0;
  let star = -1;
  let mark = 0;
  while (at < text.length) {
    const test = glob[part];
    if (test === 'text') {
      star = part++;
      mark = at;
    } else if (test !== undefined && matchesOne(test, text[at] ?? '')) {
      part++;
      at++;
    } else if (star >= 0) {
      part = star + 1;
      at = ++mark;
    } else {
      return false;
    }
  }
  while (glob[part] === 'text') part++;
  return part === glob.length;
}

function matchesOne(test: Exclude<GlobPart, 'text'>, character: string): boolean {
  return test === 'character' || test.some(([from, to]) => character >= from && character <= to);
}
