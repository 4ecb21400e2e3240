import { isDeepStrictEqual } from 'node:util';
import type { Line } from './directive-kinds.ts';
import { DIRECTIVES } from './directives.ts';
import { readLines } from './lines.ts';
import type { Notes } from './notes.ts';
import { type Draft, defaultSettings, type Settings } from './settings.ts';

/** Where Privoxy listens when its file says nothing. */
const DEFAULT_LISTEN = { host: '127.0.0.1', port: 8118 };

/** Directives that may come once; a second one would silently win. */
const REPEATABLE =
  /^(?:listen-address|permit-access|deny-access|forward.*|allium-socks|allium-service|actionsfile|filterfile|debug|trust.*|client-specific-tag)$/;

/**
 * Reads a main file. Unknown directives are warned about, as Privoxy does; our own misspelt ones are refused.
 * `gateway`: what the gateway's own file says, which is as if it stood above. Only its ports are always open, and of
 * access lines those of the user's file count alone, where it has any.
 */
export function parseConfig(file: string, text: string, notes: Notes, gateway?: Settings): Settings {
  const draft = gateway === undefined ? defaultSettings() : beneath(gateway);
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
  if (gateway !== undefined) {
    const more = draft.listen.filter((own) => !gateway.listen.some((other) => isDeepStrictEqual(own, other)));
    draft.listen = [...gateway.listen, ...more];
    if (draft.access.length === 0) draft.access = gateway.access;
  } else if (draft.listen.length === 0) draft.listen = [DEFAULT_LISTEN];
  draft.serverKeepAliveMs = seen.has('default-server-timeout')
    ? Math.min(draft.serverKeepAliveMs, draft.keepAliveMs)
    : draft.keepAliveMs;
  return draft;
}

function beneath(gateway: Settings): Draft {
  const first = gateway.listen.find((address) => 'host' in address);
  return { ...gateway, listen: [], lan: first?.host, access: [] };
}
