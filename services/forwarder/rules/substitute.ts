import type { ReplacementPart, Substitution, SubstitutionVariable } from '../syntax/substitution.ts';

export type Variables = Readonly<Record<SubstitutionVariable, string>>;

/** Characters of a line that expressions are tried on; a longer one is left as it is. */
export const SUBJECT_MAX = 16 * 1024;

/** Applies one job; undefined when it does not fit. May take long with a bad expression. */
export function substitute(job: Substitution, text: string, variables: Variables): string | undefined {
  if (text.length > SUBJECT_MAX) return undefined;
  let hit = false;
  const result = text.replace(job.regex, (...match: unknown[]) => {
    hit = true;
    return job.replacement.map((part) => partText(part, match, variables)).join('');
  });
  return hit ? result : undefined;
}

function partText(part: ReplacementPart, match: readonly unknown[], variables: Variables): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'variable':
      return variables[part.name];
    case 'group':
      return groupText(match, part.group);
  }
}

/** The arguments of a replacer behind the groups are the offset (a number) and the whole text. */
function groupText(match: readonly unknown[], group: number): string {
  const offset = match.findIndex((value) => typeof value === 'number');
  const value = group < offset ? match[group] : undefined;
  return typeof value === 'string' ? value : '';
}
