import { readLines, type SourceLine } from './lines.ts';
import type { Notes, Place } from './notes.ts';
import { parseSubstitution, type Substitution } from './substitution.ts';

/** Filters that are applied; those for bodies are known by name only. */
export const HEADER_FILTER_KINDS = {
  'CLIENT-HEADER-FILTER': 'client-header-filter',
  'SERVER-HEADER-FILTER': 'server-header-filter',
  'CLIENT-HEADER-TAGGER': 'client-header-tagger',
} as const;
export type HeaderFilterKind = (typeof HEADER_FILTER_KINDS)[keyof typeof HEADER_FILTER_KINDS];

/** Kinds that are read over. */
const OTHER_KINDS = /^(?:FILTER|CLIENT-BODY-FILTER|CLIENT-BODY-TAGGER|SERVER-HEADER-TAGGER|EXTERNAL-FILTER)$/;

export interface HeaderFilter extends Place {
  readonly kind: HeaderFilterKind;
  readonly name: string;
  readonly jobs: readonly Substitution[];
}

/** Reads one filter file. A job that cannot be read is refused, but in filters that are not applied. */
export function parseFilterFile(file: string, text: string, notes: Notes): HeaderFilter[] {
  const filters: HeaderFilter[] = [];
  let jobs: Substitution[] | undefined;
  let started = false;
  for (const line of readLines(file, text, notes, true)) {
    const head = readHead(line);
    if (head !== undefined) {
      started = true;
      jobs = head.kind === undefined ? undefined : [];
      if (head.name === '') notes.refuse(line, 'a filter without a name');
      if (head.kind === undefined || jobs === undefined) continue;
      filters.push({ file, line: line.line, kind: head.kind, name: head.name, jobs });
    } else if (!started) {
      notes.refuse(line, 'text before the first filter');
    } else {
      readJob(line, jobs, notes);
    }
  }
  return filters;
}

/** `KIND: name description`; undefined for any other line. */
function readHead(line: SourceLine): { kind: HeaderFilterKind | undefined; name: string } | undefined {
  const parts = /^([A-Z-]+):\s*(\S*)/.exec(line.text);
  const word = parts?.[1] ?? '';
  const kind = HEADER_FILTER_KINDS[word as keyof typeof HEADER_FILTER_KINDS];
  return kind === undefined && !OTHER_KINDS.test(word) ? undefined : { kind, name: parts?.[2] ?? '' };
}

function readJob(line: SourceLine, jobs: Substitution[] | undefined, notes: Notes): void {
  if (jobs === undefined) return;
  const parsed = parseSubstitution(line.text);
  if ('why' in parsed) notes.refuse(line, parsed.why);
  else jobs.push(parsed.substitution);
}
