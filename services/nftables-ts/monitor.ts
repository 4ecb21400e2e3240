import { z } from 'zod';

/** One change of the ruleset of this network namespace, whoever made it. */
export interface NftEvent {
  /** `unreadable` for a line that we don't understand: take it as a change */
  readonly verb: 'add' | 'delete' | 'insert' | 'replace' | 'unreadable';
  /** `table`, `chain`, `rule`, `set`, `element`, … */
  readonly kind: string;
  readonly family: string;
  readonly table: string;
}

const UNREADABLE: NftEvent = { verb: 'unreadable', kind: '', family: '', table: '' };
const VERBS = ['add', 'delete', 'insert', 'replace'] as const;
const line = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())));

/** Reads one line of `nft -j monitor`; undefined for an empty line or the metainfo. */
export function parseEvent(text: string): NftEvent | undefined {
  if (text.trim() === '') return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return UNREADABLE;
  }
  if (typeof json === 'object' && json !== null && 'metainfo' in json) return undefined;
  const result = line.safeParse(json);
  if (!result.success) return UNREADABLE;
  for (const verb of VERBS) {
    for (const [kind, body] of Object.entries(result.data[verb] ?? {})) {
      const table = kind === 'table' ? body.name : body.table;
      return { verb, kind, family: String(body.family ?? ''), table: String(table ?? '') };
    }
  }
  return UNREADABLE;
}
