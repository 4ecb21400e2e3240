import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { lintAccess, lintForwards, lintRouter } from '../route/lint.ts';
import { createRules, type Rules } from '../rules/rules.ts';
import { parseActionFile } from '../syntax/action-file.ts';
import { parseConfig } from '../syntax/config-file.ts';
import { parseFilterFile } from '../syntax/filter-file.ts';
import { type Note, Notes, type Place } from '../syntax/notes.ts';
import type { FileName } from '../syntax/settings.ts';
import { parseTrustFile } from '../syntax/trust-file.ts';

/** Bytes of one file; Debian's largest has 116 kB. */
const FILE_MAX = 4 << 20;
/** Privoxy's own bound on files of one kind. */
const FILES_MAX = 30;

export interface Loaded {
  readonly rules: Rules;
  readonly warnings: readonly Note[];
}

/** A main file that is read already, under the name that problems have. */
export interface MainFile {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads the main file and all that it names; `gateway`, a file of the same kind, is read before it and its lines count
 * less. Throws `ConfigurationError` with every problem found.
 */
export function loadRules(file: string, gateway?: string): Loaded {
  return loadMain(readMain(file), gateway);
}

/** Throws `ConfigurationError`. `-` is the standard input. */
export function readMain(name: string): MainFile {
  const notes = new Notes();
  const file = name === '-' ? '(standard input)' : name;
  const text = read(name === '-' ? 0 : name, { file, line: 1 }, notes);
  notes.check();
  return { file, text };
}

/** Throws `ConfigurationError`. */
export function loadMain({ file, text }: MainFile, gatewayName?: string): Loaded {
  const notes = new Notes();
  const own = gatewayName === undefined ? undefined : readMain(gatewayName);
  const gateway = own && parseConfig(own.file, own.text, notes);
  const settings = parseConfig(file, text, notes, gateway);
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
  const trust =
    settings.trustFile && each([settings.trustFile], (path, body) => parseTrustFile(path, body, notes));
  const rules = createRules({ settings, sections, filters, trust }, notes);
  lintForwards(file, settings.forwards, notes);
  lintRouter(file, settings, notes);
  if (gateway !== undefined) lintAccess(settings, gateway, notes);
  notes.check();
  return { rules, warnings: notes.warnings };
}

/** The text; an unreadable file is refused at the place that names it. */
function read(path: string | 0, place: Place, notes: Notes): string {
  try {
    if (path === 0 || statSync(path).size <= FILE_MAX) return readFileSync(path, 'utf8');
    notes.refuse(place, `${path} is larger than ${FILE_MAX} bytes`);
  } catch (error) {
    notes.refuse(place, `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  return '';
}
