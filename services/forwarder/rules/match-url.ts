import { Subject } from '../expressions/subject.ts';
import { matchesGlob } from '../syntax/host-glob.ts';
import { portInList } from '../syntax/port-list.ts';
import type { HostPattern, UrlPattern } from '../syntax/url-pattern.ts';
import type { RequestUrl } from './request-url.ts';

/** An address as patterns look at it. */
export interface UrlSubject {
  readonly host: Subject;
  readonly labels: readonly string[];
  readonly port: number;
  /** the path of CONNECT is unknown and stands as "/" */
  readonly path: Subject;
}

export function urlSubject(url: RequestUrl): UrlSubject {
  return {
    host: new Subject(url.host),
    labels: url.host.split('.'),
    port: url.port,
    path: new Subject(url.path),
  };
}

/** Whether a pattern fits. May take long with a boxed expression: call it under a time limit. */
export function matchesUrl(pattern: UrlPattern, url: RequestUrl): boolean {
  return matches(pattern, urlSubject(url));
}

export function matches(pattern: UrlPattern, subject: UrlSubject): boolean {
  if (pattern.never !== undefined) return false;
  if (pattern.ports !== undefined && !portInList(pattern.ports, subject.port)) return false;
  return matchesHost(pattern.host, subject) && pattern.path?.test(subject.path) !== false;
}

function matchesHost(pattern: HostPattern, { host, labels }: UrlSubject): boolean {
  switch (pattern.kind) {
    case 'any':
      return true;
    case 'regex':
      return pattern.test.test(host);
    case 'labels':
      return matchesLabels(pattern, labels);
  }
}

function matchesLabels(
  pattern: Extract<HostPattern, { kind: 'labels' }>,
  labels: readonly string[],
): boolean {
  const spare = labels.length - pattern.labels.length;
  if (spare < 0) return false;
  // At a closed side the pattern's label is the host's outermost one.
  const first = pattern.openRight ? 0 : spare;
  const last = pattern.openLeft ? spare : 0;
  for (let at = first; at <= last; at++) {
    if (pattern.labels.every((glob, i) => matchesGlob(glob, labels[at + i] ?? ''))) return true;
  }
  return false;
}
