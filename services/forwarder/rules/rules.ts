import type { ActionSection } from '../syntax/action-file.ts';
import type { HeaderFilter, HeaderFilterKind } from '../syntax/filter-file.ts';
import type { Notes } from '../syntax/notes.ts';
import type { Settings } from '../syntax/settings.ts';
import { parseSubstitution, type Substitution } from '../syntax/substitution.ts';
import type { TrustRule } from '../syntax/trust-file.ts';
import type { Pattern } from '../syntax/url-pattern.ts';
import { PatternIndex } from './pattern-index.ts';

/** Everything that the files say, checked against each other. */
export interface Rules {
  readonly settings: Settings;
  readonly sections: readonly ActionSection[];
  readonly index: PatternIndex;
  readonly filters: ReadonlyMap<string, HeaderFilter>;
  /** values of `redirect` that are substitutions */
  readonly redirects: ReadonlyMap<string, Substitution>;
  /** absent: every site is trusted */
  readonly trust: readonly TrustRule[] | undefined;
  /** some expression in use can take very long: what tries expressions needs a time limit */
  readonly boxed: boolean;
}

export function filterKey(kind: HeaderFilterKind, name: string): string {
  return `${kind} ${name}`;
}

const FILTER_ACTIONS: ReadonlySet<string> = new Set<HeaderFilterKind>([
  'client-header-filter',
  'server-header-filter',
  'client-header-tagger',
]);

/** What each kind of file says. */
export interface RuleFiles {
  readonly settings: Settings;
  readonly sections: readonly ActionSection[];
  readonly filters: readonly HeaderFilter[];
  readonly trust?: readonly TrustRule[] | undefined;
}

/** Joins the files. A header filter that is asked for and defined nowhere is refused: Privoxy leaves it out. */
export function createRules({ settings, sections, filters, trust }: RuleFiles, notes: Notes): Rules {
  const byName = new Map(filters.map((filter) => [filterKey(filter.kind, filter.name), filter]));
  const redirects = new Map<string, Substitution>();
  const jobs: Substitution[] = [];
  for (const [section, name, value] of sections.flatMap(valuesOn)) {
    const filter = byName.get(`${name} ${value}`);
    if (filter !== undefined) jobs.push(...filter.jobs);
    else if (FILTER_ACTIONS.has(name)) notes.refuse(section, `no filter file defines the ${name} "${value}"`);
    const parsed = name === 'redirect' ? parseSubstitution(value) : undefined;
    if (parsed !== undefined && 'substitution' in parsed) redirects.set(value, parsed.substitution);
  }
  const patterns = [
    ...sections.flatMap((section) => section.patterns),
    ...settings.forwards.map((rule) => rule.pattern),
    ...(trust ?? []).map((rule) => rule.pattern),
  ];
  const boxed = patterns.some(isBoxed) || [...redirects.values(), ...jobs].some((job) => job.replacer.boxed);
  const index = new PatternIndex(sections);
  return { settings, sections, index, filters: byName, redirects, trust, boxed };
}

function valuesOn(section: ActionSection): [section: ActionSection, name: string, value: string][] {
  return section.changes.flatMap(({ on, name, value }) =>
    on && value !== undefined ? [[section, name, value]] : [],
  );
}

function isBoxed(pattern: Pattern): boolean {
  if (pattern.kind === 'tag') return pattern.test.boxed;
  return pattern.path?.boxed === true || (pattern.host.kind === 'regex' && pattern.host.test.boxed);
}
