import { createHash } from 'node:crypto';
import { type NftObject, tableObjects } from './json.ts';
import type { Table } from './objects.ts';

/**
 * A ruleset without what changes by itself: handles, counter values, order of members. One entry per object, named
 * `chain inet gate input` or `rule inet gate input 3`; the value is its JSON with sorted keys.
 */
export type Canonical = ReadonlyMap<string, string>;

const VOLATILE: ReadonlySet<string> = new Set(['handle', 'packets', 'bytes', 'index']);

/** What is meant. */
export function canonicalTables(tables: readonly Table[]): Canonical {
  return canonicalObjects(tables.flatMap(tableObjects));
}

/** What nft lists (the array under `nftables`, without the metainfo), or what `tableObjects` makes. */
export function canonicalObjects(objects: readonly NftObject[]): Canonical {
  const entries = new Map<string, string>();
  const rules = new Map<string, number>();
  for (const object of objects) {
    for (const [kind, body] of Object.entries(object)) {
      const name = nameOf(kind, body, rules);
      entries.set(name, JSON.stringify(normal(body, kind)));
    }
  }
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** SHA-256 over the canonical form, hex. */
export function digestOf(canonical: Canonical): string {
  const hash = createHash('sha256');
  for (const [name, value] of canonical) hash.update(`${name} ${value}\n`);
  return hash.digest('hex');
}

function nameOf(kind: string, body: Readonly<Record<string, unknown>>, rules: Map<string, number>): string {
  if (kind === 'table') return `table ${body.family} ${body.name}`;
  if (kind !== 'rule') return `${kind} ${body.family} ${body.table} ${body.name}`;
  const chain = `${body.family} ${body.table} ${body.chain}`;
  const position = (rules.get(chain) ?? 0) + 1;
  rules.set(chain, position);
  return `rule ${chain} ${position}`;
}

/** `key` is the key the value stands under: order has no meaning in sets and flag lists, and a meaning elsewhere. */
function normal(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return normalList(value, key);
  if (typeof value !== 'object' || value === null) return value;
  const flags = flagList(value);
  if (flags !== undefined) return flags;
  const out: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!VOLATILE.has(name)) out[name] = normal(inner, name);
  }
  return out;
}

function normalList(list: readonly unknown[], key: string): unknown[] {
  const out = list.map((item) => normal(item, Array.isArray(item) && key === '&' ? 'flags' : ''));
  const unordered =
    key === 'set' || key === 'elem' || key === 'flags' || (key === 'right' && out.every(isString));
  return unordered ? out.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : out;
}

/** nft 1.1 writes `{"|": ["fin", "syn"]}` where 1.0 writes the list. */
function flagList(value: object): unknown[] | undefined {
  const keys = Object.keys(value);
  const flags = '|' in value && keys.length === 1 ? value['|'] : undefined;
  return Array.isArray(flags) && flags.every(isString) ? flags.toSorted() : undefined;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}
