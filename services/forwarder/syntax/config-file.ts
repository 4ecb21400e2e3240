import type { Line } from './directive-kinds.ts';
import { DIRECTIVES } from './directives.ts';
import { readLines } from './lines.ts';
import type { Notes } from './notes.ts';
import { defaultSettings, type Settings } from './settings.ts';

/** Where Privoxy listens when its file says nothing. */
const DEFAULT_LISTEN = { host: '127.0.0.1', port: 8118 };

/** Directives that may come once; a second one would silently win. */
const REPEATABLE =
  /^(?:listen-address|permit-access|deny-access|forward.*|allium-socks|allium-service|actionsfile|filterfile|debug|trust.*|client-specific-tag)$/;

/** Reads the main file. Unknown directives are warned about, as Privoxy does; our own misspelt ones are refused. */
export function parseConfig(file: string, text: string, notes: Notes): Settings {
  const draft = defaultSettings();
  const seen = new Set<string>();
  for (const { text: whole, ...place } of readLines(file, text, notes)) {
    const [first = '', ...words] = whole.split(/\s+/);
    const line: Line = { ...place, name: first.toLowerCase(), words, text: whole.slice(first.length).trim() };
    const directive = DIRECTIVES.get(line.name);
    if (directive === undefined) {
      if (line.name.startsWith('allium-') || line.name.startsWith('forward')) {
        notes.refuse(line, `unknown directive ${line.name}`);
      } else {
        notes.warn(line, `unknown directive ${line.name.slice(0, 60)} is ignored`);
      }
      continue;
    }
    if (seen.has(line.name) && !REPEATABLE.test(line.name) && directive.kind === 'applied') {
      notes.warn(line, `${line.name} appears more than once: the last one counts`);
    }
    seen.add(line.name);
    directive.apply(line, draft, notes);
  }
  if (draft.listen.length === 0) draft.listen = [DEFAULT_LISTEN];
  draft.serverKeepAliveMs = seen.has('default-server-timeout')
    ? Math.min(draft.serverKeepAliveMs, draft.keepAliveMs)
    : draft.keepAliveMs;
  return draft;
}
