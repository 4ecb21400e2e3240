import { portInList } from '../syntax/port-list.ts';
import type { HostPattern, UrlPattern } from '../syntax/url-pattern.ts';
import type { RequestUrl } from './request-url.ts';

/** Whether a pattern fits. May take long with a bad expression: call it under a time limit. */
export function matchesUrl(pattern: UrlPattern, url: RequestUrl): boolean {
  if (pattern.never !== undefined) return false;
  if (pattern.ports !== undefined && !portInList(pattern.ports, url.port)) return false;
  if (!matchesHost(pattern.host, url.host)) return false;
  // The path of CONNECT is unknown and stands as "/".
  return pattern.path === undefined || pattern.path.test(url.path);
}

function matchesHost(pattern: HostPattern, host: string): boolean {
  switch (pattern.kind) {
    case 'any':
      return true;
    case 'regex':
      return pattern.regex.test(host);
    case 'labels':
      return matchesLabels(pattern, host.split('.'));
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

/** `*`, `?` and `[a-z]` on one label; linear in both but for the last star. */
export function matchesGlob(glob: string, text: string): boolean {
  const parts = globParts(glob);
  let part = 0;
  let at = 0;
  let star = -1;
  let mark = 0;
  while (at < text.length) {
    const test = parts[part];
    if (test === '*') {
      star = part++;
      mark = at;
    } else if (test !== undefined && matchesOne(test, text[at] ?? '')) {
      part++;
      at++;
    } else if (star >= 0) {
      part = star + 1;
      at = ++mark;
    } else {
      return false;
    }
  }
  while (parts[part] === '*') part++;
  return part === parts.length;
}

function globParts(glob: string): string[] {
  return glob.match(/\[[^\]]*\]|[\s\S]/g) ?? [];
}

function matchesOne(test: string, character: string): boolean {
  if (test === '?') return true;
  if (test.length === 1) return test === character;
  for (const [, from = '', to = from] of test.slice(1, -1).matchAll(/([\s\S])(?:-([\s\S]))?/g)) {
    if (character >= from && character <= to) return true;
  }
  return false;
}
