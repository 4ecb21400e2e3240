import { type Compiled, compileTest, type Test } from '../expressions/expression.ts';
import { type LabelGlob, parseGlob } from './host-glob.ts';
import { type PortRange, parsePortList } from './port-list.ts';

/** The host part of a pattern. */
export type HostPattern =
  | { readonly kind: 'any' }
  /** globs, one per label; open at a side where the pattern has a dot */
  | {
      readonly kind: 'labels';
      readonly labels: readonly LabelGlob[];
      readonly openLeft: boolean;
      readonly openRight: boolean;
    }
  | { readonly kind: 'regex'; readonly test: Test };

export interface UrlPattern {
  readonly kind: 'url';
  readonly source: string;
  readonly host: HostPattern;
  /** absent: every port */
  readonly ports?: readonly PortRange[];
  /** tried on path and query; absent: every path */
  readonly path?: Test;
  /** why the pattern can never match; Privoxy accepts such a line silently */
  readonly never?: string;
}

export interface TagPattern {
  readonly kind: 'tag';
  readonly source: string;
  /** `request`: a tagger of request headers made the tag */
  readonly of: 'request' | 'client' | 'response';
  /** the pattern is met when no tag fits */
  readonly absent: boolean;
  readonly test: Test;
}

export type Pattern = UrlPattern | TagPattern;
export type ParsedPattern = { readonly pattern: Pattern } | { readonly why: string };

const TAGS: readonly (readonly [prefix: string, of: TagPattern['of'], absent: boolean])[] = [
  ['TAG:', 'request', false],
  ['NO-REQUEST-TAG:', 'request', true],
  ['CLIENT-TAG:', 'client', false],
  ['NO-RESPONSE-TAG:', 'response', true],
];

const HOST_REGEX_PREFIX = 'PCRE-HOST-PATTERN:';

/** Reads `[host][:ports][/path]` or a tag pattern. */
export function parsePattern(source: string): ParsedPattern {
  for (const [prefix, of, absent] of TAGS) {
    if (!source.toUpperCase().startsWith(prefix)) continue;
    const test = compileTest(source.slice(prefix.length), true);
    return 'why' in test ? test : { pattern: { kind: 'tag', source, of, absent, test } };
  }
  return parseUrlPattern(source);
}

/** Reads a pattern for URLs only, as `forward` takes it. */
export function parseUrlPattern(source: string): { readonly pattern: UrlPattern } | { readonly why: string } {
  const isRegex = source.startsWith(HOST_REGEX_PREFIX);
  const text = isRegex ? source.slice(HOST_REGEX_PREFIX.length) : source;
  const slash = text.indexOf('/');
  const path = compilePath(slash < 0 ? '' : text.slice(slash));
  if (path !== undefined && 'why' in path) return path;
  const where = splitPorts(slash < 0 ? text : text.slice(0, slash));
  const host = isRegex ? regexHost(where.host) : globHost(where.host);
  if ('why' in host) return host;
  const ports = where.ports === undefined ? undefined : parsePortList(where.ports);
  const never = neverWhy(text, ports);
  return {
    pattern: {
      kind: 'url',
      source,
      host,
      ...(ports === undefined ? {} : { ports: ports.ranges }),
      ...(path === undefined ? {} : { path }),
      ...(never === undefined ? {} : { never }),
    },
  };
}

/** Anchored left only; without regard to case. A lone `/` adds nothing. */
function compilePath(path: string): Compiled<Test> | undefined {
  return path === '' || path === '/' ? undefined : compileTest(`^${path}`, true);
}

function splitPorts(text: string): { host: string; ports: string | undefined } {
  const v6 = /^<([^>]*)>(?::(.*))?$/.exec(text);
  if (v6 !== null) return { host: (v6[1] ?? '').replace(/^\[(.*)\]$/, '$1'), ports: v6[2] };
  const colon = text.indexOf(':');
  if (colon < 0) return { host: text, ports: undefined };
  return { host: text.slice(0, colon), ports: text.slice(colon + 1) };
}

function globHost(text: string): HostPattern | { readonly why: string } {
  const lower = text.toLowerCase();
  const labels = lower.split('.').filter((label) => label !== '');
  if (labels.length === 0) return { kind: 'any' };
  if (/\[[^\]]*$/.test(lower)) return { why: 'a character class without an end' };
  return {
    kind: 'labels',
    labels: labels.map(parseGlob),
    openLeft: lower.startsWith('.'),
    openRight: lower.endsWith('.'),
  };
}

function regexHost(text: string): HostPattern | { readonly why: string } {
  const test = compileTest(`${text}\\.?$`, true);
  return 'why' in test ? test : { kind: 'regex', test };
}

function neverWhy(text: string, ports: ReturnType<typeof parsePortList> | undefined): string | undefined {
  if (/^[a-z]+:\/\//i.test(text)) return 'a pattern has no scheme: leave out "http://"';
  if (ports === undefined) return undefined;
  if (ports.wrong.length > 0) return `"${ports.wrong[0]}" is no port or range of ports`;
  return ports.ranges.length === 0 ? 'an empty list of ports' : undefined;
}
