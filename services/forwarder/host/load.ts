import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { lintForwards, lintRouter } from '../route/lint.ts';
import { createPolicy, type Policy } from '../rules/policy.ts';
import { parseActionFile } from '../syntax/action-file.ts';
import { parseConfig } from '../syntax/config-file.ts';
import { parseFilterFile } from '../syntax/filter-file.ts';
import { type Note, Notes, type Place } from '../syntax/notes.ts';
import type { FileName } from '../syntax/settings.ts';

/** Bytes of one file; Debian's largest has 116 kB. */
const FILE_MAX = 4 << 20;
/** Privoxy's own bound on files of one kind. */
const FILES_MAX = 30;

export interface Loaded {
  readonly policy: Policy;
  readonly warnings: readonly Note[];
}

/** Reads the main file and all that it names. Throws `ConfigurationError` with every problem found. */
export function loadPolicy(file: string): Loaded {
  const notes = new Notes();
  const text = read(file, { file, line: 1 }, notes);
  notes.check();
  const settings = parseConfig(file, text, notes);
  const directory = resolve(dirname(file), settings.configDirectory ?? '.');
  const each = <T>(names: readonly FileName[], parse: (path: string, text: string) => T[]): T[] => {
    for (const extra of names.slice(FILES_MAX))
      notes.refuse(extra, `more than ${FILES_MAX} files of one kind`);
    return names.slice(0, FILES_MAX).flatMap((name) => {
      const path = resolve(directory, name.name);
      return parse(path, read(path, name, notes));
    });
  };
  const sections = each(settings.actionFiles, (path, body) => parseActionFile(path, body, notes));
  const filters = each(settings.filterFiles, (path, body) => parseFilterFile(path, body, notes));
  const policy = createPolicy(settings, sections, filters, notes);
  lintForwards(file, settings.forwards, notes);
  lintRouter(file, settings, notes);
  notes.check();
  return { policy, warnings: notes.warnings };
}

/** The text; an unreadable file is refused at the place that names it. */
function read(path: string, place: Place, notes: Notes): string {
  try {
    if (statSync(path).size <= FILE_MAX) return readFileSync(path, 'utf8');
    notes.refuse(place, `${path} is larger than ${FILE_MAX} bytes`);
  } catch (error) {
    notes.refuse(place, `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  return '';
}
