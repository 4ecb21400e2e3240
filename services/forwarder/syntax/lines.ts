import type { Notes, Place } from './notes.ts';

/** Characters of one line with its continuations; Privoxy stops at a longer one too. */
export const LINE_MAX = 5_000;

/** A line with its continuations, without comment and outer blanks; never empty. */
export interface SourceLine extends Place {
  readonly text: string;
}

/**
 * The lines of a Privoxy file: CRLF, LF and CR ends; a final `\` continues; `#` starts a comment anywhere but as `\#`.
 * A comment line is never continued. A comment behind text that ends in `\`: Privoxy glues the next line on. Filter
 * files are written so (`glued`); anywhere else nobody means it, and it is refused.
 */
export function readLines(file: string, text: string, notes: Notes, glued = false): SourceLine[] {
  const out: SourceLine[] = [];
  let open: { line: number; text: string } | undefined;
  for (const [at, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const place = { file, line: open?.line ?? at + 1 };
    const continued = raw.endsWith('\\');
    const cut = withoutComment(continued ? raw.slice(0, -1) : raw);
    const commentGoesOn = continued && cut.comment && (cut.text.trim() !== '' || open !== undefined);
    if (commentGoesOn && !glued) {
      notes.refuse({ file, line: at + 1 }, 'a comment behind text must not end with a backslash');
    }
    const whole = (open?.text ?? '') + cut.text;
    if (whole.length > LINE_MAX) {
      notes.refuse(place, `longer than ${LINE_MAX} characters`);
      return out;
    }
    if (continued && (!cut.comment || (commentGoesOn && glued))) {
      open = { line: place.line, text: whole };
      continue;
    }
    open = undefined;
    const trimmed = whole.trim();
    if (trimmed !== '') out.push({ ...place, text: trimmed });
  }
  if (open !== undefined) notes.refuse({ file, line: open.line }, 'the file ends in a continued line');
  return out;
}

function withoutComment(raw: string): { text: string; comment: boolean } {
  let text = '';
  for (let at = 0; at < raw.length; at++) {
    const character = raw[at] ?? '';
    if (character === '\\' && raw[at + 1] === '#') {
      text += '#';
      at++;
    } else if (character === '#') {
      return { text, comment: true };
    } else {
      text += character;
    }
  }
  return { text, comment: false };
}
