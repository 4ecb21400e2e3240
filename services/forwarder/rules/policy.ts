import type { ActionSection } from '../syntax/action-file.ts';
import type { HeaderFilter, HeaderFilterKind } from '../syntax/filter-file.ts';
import type { Notes } from '../syntax/notes.ts';
import type { Settings } from '../syntax/settings.ts';

/** Everything that the files say, checked against each other. */
export interface Policy {
  readonly settings: Settings;
  readonly sections: readonly ActionSection[];
  readonly filters: ReadonlyMap<string, HeaderFilter>;
}

export function filterKey(kind: HeaderFilterKind, name: string): string {
  return `${kind} ${name}`;
}

const FILTER_ACTIONS: ReadonlySet<string> = new Set<HeaderFilterKind>([
  'client-header-filter',
  'server-header-filter',
  'client-header-tagger',
]);

/** Joins the files. A header filter that is asked for and defined nowhere is refused: Privoxy leaves it out. */
export function createPolicy(
  settings: Settings,
  sections: readonly ActionSection[],
  filters: readonly HeaderFilter[],
  notes: Notes,
): Policy {
  const byName = new Map(filters.map((filter) => [filterKey(filter.kind, filter.name), filter]));
  for (const section of sections) {
    for (const change of section.changes) {
      if (!change.on || !FILTER_ACTIONS.has(change.name) || change.value === undefined) continue;
      if (!byName.has(`${change.name} ${change.value}`)) {
        notes.refuse(section, `no filter file defines the ${change.name} "${change.value}"`);
      }
    }
  }
  return { settings, sections, filters: byName };
}
