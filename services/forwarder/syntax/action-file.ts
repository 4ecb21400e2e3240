import { ACTION_ALIASES, ACTIONS, type ActionKind } from './action-table.ts';
import { readLines, type SourceLine } from './lines.ts';
import type { Notes, Place } from './notes.ts';
import { type Pattern, parsePattern } from './url-pattern.ts';

/** `+name{value}` or `-name`; names as in the table, never an alias. */
export interface ActionChange {
  readonly on: boolean;
  readonly name: string;
  readonly value?: string;
}

/** The actions of one `{…}` with the patterns below it. */
export interface ActionSection extends Place {
  /** as written, for the page that explains a decision */
  readonly source: string;
  readonly changes: readonly ActionChange[];
  readonly patterns: readonly Pattern[];
}

/** Patterns of one file; Debian's three have 1,400 together. */
export const PATTERNS_MAX = 50_000;
/** An alias may use aliases; what it stands for in the end is limited. */
const ALIAS_CHANGES_MAX = 200;

type Aliases = Map<string, readonly ActionChange[]>;

/** Reads one action file. Sections keep their order; later ones override earlier ones. */
export function parseActionFile(file: string, text: string, notes: Notes): ActionSection[] {
  const sections: ActionSection[] = [];
  const aliases: Aliases = new Map();
  let part: 'start' | 'settings' | 'description' | 'alias' | 'section' = 'start';
  let patterns: Pattern[] = [];
  let count = 0;
  for (const line of readLines(file, text, notes)) {
    const special = /^\{\{\s*(settings|description|alias)\s*\}\}$/i.exec(line.text)?.[1]?.toLowerCase();
    if (special !== undefined) {
      part = special as 'settings' | 'description' | 'alias';
    } else if (line.text.startsWith('{')) {
      patterns = [];
      part = 'section';
      sections.push({
        file,
        line: line.line,
        source: line.text,
        changes: readSection(line, aliases, notes),
        patterns,
      });
    } else if (part === 'alias') {
      readAlias(line, aliases, notes);
    } else if (part === 'section') {
      if (++count > PATTERNS_MAX) {
        notes.refuse(line, `more than ${PATTERNS_MAX} patterns`);
        break;
      }
      const pattern = readPattern(line, notes);
      if (pattern !== undefined) patterns.push(pattern);
    } else if (part === 'start') {
      notes.refuse(line, 'a pattern before the first {actions}');
    }
  }
  return sections;
}

function readPattern(line: SourceLine, notes: Notes): Pattern | undefined {
  const parsed = parsePattern(line.text);
  if ('why' in parsed) {
    notes.refuse(line, parsed.why);
    return undefined;
  }
  const { pattern } = parsed;
  if (pattern.kind === 'url' && pattern.never !== undefined) {
    notes.warn(line, `the pattern can match nothing: ${pattern.never}`);
  }
  return pattern;
}

function readSection(line: SourceLine, aliases: Aliases, notes: Notes): readonly ActionChange[] {
  if (!line.text.endsWith('}')) {
    notes.refuse(line, 'actions need a closing brace at the end of the line');
    return [];
  }
  return readChanges(line.text.slice(1, -1), line, aliases, notes);
}

/** Blank-separated words, each perhaps with `{value}`; `\}` inside a value is a brace. */
const WORD = /([^\s{}]+)(?:\{((?:\\[\s\S]|[^\\}])*)\})?|(\S)/g;

function readChanges(text: string, place: Place, aliases: Aliases, notes: Notes): readonly ActionChange[] {
  const out: ActionChange[] = [];
  for (const [, word, value, stray] of text.matchAll(WORD)) {
    if (word === undefined) {
      notes.refuse(place, `"${stray}" is out of place among the actions`);
      return out;
    }
    const alias = value === undefined ? aliases.get(word.toLowerCase()) : undefined;
    if (alias !== undefined) {
      out.push(...alias);
      if (out.length > ALIAS_CHANGES_MAX) {
        notes.refuse(place, `more than ${ALIAS_CHANGES_MAX} actions at once`);
        return out;
      }
      continue;
    }
    const change = readChange(word, value?.replaceAll(/\\([{}])/g, '$1'), place, notes);
    if (change !== undefined) out.push(change);
  }
  return out;
}

function readChange(
  word: string,
  value: string | undefined,
  place: Place,
  notes: Notes,
): ActionChange | undefined {
  const sign = word[0];
  const written = word.slice(1).toLowerCase();
  const name = ACTION_ALIASES[written] ?? written;
  const kind = ACTIONS.get(name);
  if ((sign !== '+' && sign !== '-') || kind === undefined) {
    notes.refuse(place, `unknown action or alias "${word.slice(0, 60)}"`);
    return undefined;
  }
  if (sign === '-') return { on: false, name, ...(value === undefined || value === '' ? {} : { value }) };
  return enabled(name, kind, value, place, notes);
}

function enabled(
  name: string,
  kind: ActionKind,
  value: string | undefined,
  place: Place,
  notes: Notes,
): ActionChange | undefined {
  if (kind.use === 'refused') {
    notes.refuse(place, `+${name} is not allowed here`);
    return undefined;
  }
  if (kind.use === 'warned') {
    notes.warn(place, `+${name} is ignored`);
    return undefined;
  }
  if (kind.value === 'none') return { on: true, name };
  if (value === undefined || value === '') {
    if (kind.value !== 'optional') notes.refuse(place, `+${name} needs a value in braces`);
    return kind.value === 'optional' ? { on: true, name } : undefined;
  }
  const why = kind.fault?.(value);
  if (why !== undefined) {
    notes.refuse(place, `+${name}{…} ${why}`);
    return undefined;
  }
  return { on: true, name, value };
}

function readAlias(line: SourceLine, aliases: Aliases, notes: Notes): void {
  const parts = /^([^\s={}]+)\s*=\s*(.+)$/.exec(line.text);
  const name = parts?.[1]?.toLowerCase();
  if (name === undefined || parts === null) {
    notes.refuse(line, 'an alias is written name = actions');
    return;
  }
  aliases.set(name, readChanges(parts[2] ?? '', line, aliases, notes));
}
