import type { ActionSet } from '../rules/actions.ts';
import { filterKey, type Policy } from '../rules/policy.ts';
import type { HeaderPair } from '../rules/raw-headers.ts';
import { substitute, type Variables } from '../rules/substitute.ts';

/** What a filter may leave behind; anything else is dropped, for it could end the header section. */
const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;
/** Filters may not touch how the message is delimited. */
const UNTOUCHED = new Set(['content-length', 'transfer-encoding', 'connection']);

/** Runs header filters over `Name: value` lines. An empty result removes the header. */
export function filterHeaders(
  kind: 'client-header-filter' | 'server-header-filter',
  headers: readonly HeaderPair[],
  actions: ActionSet,
  policy: Policy,
  variables: Variables,
): HeaderPair[] {
  const filters = actions.values(kind).map((name) => policy.filters.get(filterKey(kind, name)));
  if (filters.length === 0) return [...headers];
  const jobs = filters.flatMap((filter) => filter?.jobs ?? []);
  return headers.flatMap(([name, value]) => {
    if (UNTOUCHED.has(name.toLowerCase())) return [[name, value] as const];
    let line = `${name}: ${value}`;
    for (const job of jobs) line = substitute(job, line, variables) ?? line;
    const parts = LINE.exec(line);
    const left = parts?.[1];
    if (left === undefined || (left !== name && UNTOUCHED.has(left.toLowerCase()))) return [];
    return [[left, parts?.[2] ?? ''] as const];
  });
}
