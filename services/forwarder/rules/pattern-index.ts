import { Subject } from '../expressions/subject.ts';
import type { ActionSection } from '../syntax/action-file.ts';
import type { TagPattern, UrlPattern } from '../syntax/url-pattern.ts';
import { matches, type UrlSubject, urlSubject } from './match-url.ts';
import type { RequestUrl } from './request-url.ts';

interface Entry<P> {
  /** place of the section among all */
  readonly section: number;
  readonly pattern: P;
}

/**
 * Finds the sections that fit. Debian's files have 780 patterns, most of them for one host: these are looked up by what
 * the host must contain, so that a request is tried on those alone that could fit.
 */
export class PatternIndex {
  readonly #sections: readonly ActionSection[];
  /** by the labels that the host must end in */
  readonly #endings = new Map<string, Entry<UrlPattern>[]>();
  /** by a label that the host must have somewhere */
  readonly #labels = new Map<string, Entry<UrlPattern>[]>();
  readonly #others: Entry<UrlPattern>[] = [];
  readonly #tags: Entry<TagPattern>[] = [];

  constructor(sections: readonly ActionSection[]) {
    this.#sections = sections;
    for (const [section, { patterns }] of sections.entries()) {
      for (const pattern of patterns) {
        if (pattern.kind === 'tag') {
          // Tags of clients and of answers are never made here.
          if (pattern.of === 'request') this.#tags.push({ section, pattern });
        } else if (pattern.never === undefined) this.#add({ section, pattern });
      }
    }
  }

  /** Sections that fit the address, in the order in which they count. */
  forUrl(url: RequestUrl): ActionSection[] {
    const subject = urlSubject(url);
    const fits = new Uint8Array(this.#sections.length);
    this.#try(this.#others, subject, fits);
    for (const label of subject.labels) this.#try(this.#labels.get(label), subject, fits);
    for (let at = 0; at >= 0; ) {
      this.#try(this.#endings.get(url.host.slice(at)), subject, fits);
      const dot = url.host.indexOf('.', at);
      at = dot < 0 ? -1 : dot + 1;
    }
    return this.#sections.filter((_, at) => fits[at] === 1);
  }

  /** Sections that fit because of the tags of a request. */
  forTags(tags: readonly string[]): ActionSection[] {
    const subjects = tags.map((tag) => new Subject(tag));
    const fits = new Set<number>();
    for (const { section, pattern } of this.#tags) {
      if (subjects.some((subject) => pattern.test.test(subject)) !== pattern.absent) fits.add(section);
    }
    return this.#sections.filter((_, at) => fits.has(at));
  }

  #add(entry: Entry<UrlPattern>): void {
    const { host } = entry.pattern;
    const labels = host.kind === 'labels' ? host.labels : [];
    const ending = host.kind === 'labels' && !host.openRight ? plainEnding(labels) : '';
    const label = labels.find((text) => typeof text === 'string');
    if (ending !== '') put(this.#endings, ending, entry);
    else if (typeof label === 'string') put(this.#labels, label, entry);
    else this.#others.push(entry);
  }

  #try(entries: readonly Entry<UrlPattern>[] | undefined, subject: UrlSubject, fits: Uint8Array): void {
    if (entries === undefined) return;
    for (const { section, pattern } of entries) {
      if (fits[section] === 0 && matches(pattern, subject)) fits[section] = 1;
    }
  }
}

/** The plain labels at the end of a pattern, as one text. */
function plainEnding(labels: readonly unknown[]): string {
  const glob = labels.findLastIndex((label) => typeof label !== 'string');
  return labels.slice(glob + 1).join('.');
}

function put<T>(map: Map<string, T[]>, key: string, value: T): void {
  const held = map.get(key);
  if (held === undefined) map.set(key, [value]);
  else held.push(value);
}
