import type { ActionSet } from '../rules/actions.ts';
import { type RequestFacts, variablesOf } from '../rules/decide.ts';
import type { HeaderPair } from '../rules/raw-headers.ts';
import { filterKey, type Rules } from '../rules/rules.ts';
import { substitute } from '../rules/substitute.ts';

/**
 * What a filter may leave behind; anything else is dropped, for it could end the header section. Blanks in front of the
 * value are in the value: what fits them in two ways makes the expression slow.
 */
const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/;
/** How a message is delimited is this proxy's to say: neither filters nor crunching see these, and none can be made. */
const UNTOUCHED = new Set(['content-length', 'transfer-encoding', 'connection', 'upgrade']);
/** What is made by a filter may be none of these either. */
const NOT_MADE = new Set([...UNTOUCHED, 'host']);

/** `crunch-client-header` and `crunch-server-header`, in any case; behind all other actions, as in Privoxy. */
export function crunchHeaders(headers: readonly HeaderPair[], part: string | undefined): HeaderPair[] {
  if (part === undefined) return [...headers];
  const crunched = part.toLowerCase();
  return headers.filter(
    ([name, value]) =>
      UNTOUCHED.has(name.toLowerCase()) || !`${name}: ${value}`.toLowerCase().includes(crunched),
  );
}

/** Runs header filters over `Name: value` lines. An empty result removes the header. */
export function filterHeaders(
  kind: 'client-header-filter' | 'server-header-filter',
  headers: readonly HeaderPair[],
  actions: ActionSet,
  rules: Rules,
  facts: RequestFacts,
): HeaderPair[] {
  const filters = actions.values(kind).map((name) => rules.filters.get(filterKey(kind, name)));
  if (filters.length === 0) return [...headers];
  const variables = variablesOf(facts);
  const jobs = filters.flatMap((filter) => filter?.jobs ?? []);
  return headers.flatMap(([name, value]) => {
    if (UNTOUCHED.has(name.toLowerCase())) return [[name, value] as const];
    let line = `${name}: ${value}`;
    for (const job of jobs) line = substitute(job, line, variables) ?? line;
    const parts = LINE.exec(line);
    const left = parts?.[1];
    if (left === undefined || (left !== name && NOT_MADE.has(left.toLowerCase()))) return [];
    return [[left, (parts?.[2] ?? '').replace(/^[ \t]+/, '')] as const];
  });
}
