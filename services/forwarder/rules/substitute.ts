import type { Groups } from '../expressions/expression.ts';
import type { ReplacementPart, Substitution, SubstitutionVariable } from '../syntax/substitution.ts';

export type Variables = Readonly<Record<SubstitutionVariable, string>>;

/** Characters of a line that expressions are tried on; a longer one is left as it is. */
export const SUBJECT_MAX = 16 * 1024;

/** Applies one job; undefined when it does not fit. May take long with a boxed expression. Throws `EffortError`. */
export function substitute(job: Substitution, text: string, variables: Variables): string | undefined {
  // An address or header has no line feed; what a filter made of one may, and no expression is made for it.
  if (text.length > SUBJECT_MAX || text.includes('\n')) return undefined;
  return job.replacer.replace(text, job.global, (groups) =>
    job.replacement.map((part) => partText(part, groups, variables)).join(''),
  );
}

function partText(part: ReplacementPart, groups: Groups, variables: Variables): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'variable':
      return variables[part.name];
    case 'group':
      return groups[part.group] ?? '';
  }
}
