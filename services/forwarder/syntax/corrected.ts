import type { Note } from './notes.ts';

/** A file as it would be taken: each line that has a fix becomes a comment, with what it could say below it. */
export function corrected(text: string, problems: readonly Note[]): string {
  const fixes = new Map(
    problems.flatMap(({ line, fix }) => (fix === undefined ? [] : [[line, fix] as const])),
  );
  const out: string[] = [];
  let fix: string | undefined;
  for (const [at, raw] of text.split(/\r\n|\n|\r/).entries()) {
    fix ??= fixes.get(at + 1);
    if (fix === undefined) {
      out.push(raw);
      continue;
    }
    out.push(`#refused# ${raw}`.trimEnd());
    // The lines that it goes on in are a part of it.
    if (raw.endsWith('\\')) continue;
    if (fix !== '') out.push(fix);
    fix = undefined;
  }
  return out.join('\n');
}
