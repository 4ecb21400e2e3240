import { type Endpoint, parseEndpoint } from './endpoint.ts';
import { type Notes, type Place, remedy } from './notes.ts';
import { parseUrlPattern, type UrlPattern } from './url-pattern.ts';

/** Ports that Privoxy documents for a parent without one. */
const HTTP_PARENT_PORT = 8_000;
const SOCKS_PARENT_PORT = 1_080;

export type SocksVersion = '4a' | '5' | '5t';

export interface SocksParent {
  readonly version: SocksVersion;
  readonly endpoint: Endpoint;
  readonly user?: string;
  readonly password?: string;
}

/** The way of a request: to I2P, or through SOCKS, through an HTTP parent, through both in this order, or neither. */
export interface Way {
  /** to the router, which has no other field beside it */
  readonly i2p?: true;
  readonly socks?: SocksParent;
  readonly http?: Endpoint;
}

/** Where people's files say that an I2P router is, its HTTP proxy and its SOCKS port: both mean the router's own sockets. */
const ROUTER_PORT = 4444;
const ROUTER_SOCKS_PORT = 4447;
/** Where people's files say that Tor is, the daemon's and the browser's; Tor listens there for the forwarder. */
const TOR_PORTS = [9_050, 9_150];

export interface ForwardRule extends Place {
  readonly pattern: UrlPattern;
  readonly way: Way;
}

const KINDS: Readonly<Record<string, SocksVersion | 'http'>> = {
  forward: 'http',
  'forward-socks4a': '4a',
  'forward-socks5': '5',
  'forward-socks5t': '5t',
};

/** Reads `forward*` with its words; every fault is refused, for what Privoxy skips it sends directly. */
export function parseForward(
  name: string,
  words: readonly string[],
  place: Place,
  notes: Notes,
): ForwardRule | undefined {
  const [source, ...rest] = words;
  const expected = name === 'forward' ? 2 : 3;
  if (source === undefined || words.length !== expected) {
    const why = `${name} needs exactly ${expected} words, not ${words.length}`;
    const fix = source === undefined ? '' : completed(name, source, rest);
    notes.refuse(place, fix === undefined ? why : `${why}; ${remedy(fix)}`, fix);
    return undefined;
  }
  const parsed = parseUrlPattern(source);
  if ('why' in parsed) {
    notes.refuse(place, `${name}: ${parsed.why}`);
    return undefined;
  }
  if (/^(?:TAG|CLIENT-TAG|NO-REQUEST-TAG|NO-RESPONSE-TAG):/i.test(source)) {
    notes.refuse(place, `${name}: a tag can't choose a parent`);
  }
  if (parsed.pattern.never !== undefined) {
    notes.refuse(place, `${name}: the pattern can match nothing: ${parsed.pattern.never}`);
  }
  const way = parseWay(name, rest, place, notes);
  if (way === undefined) return undefined;
  if (isDirect(way) && !loopbackOnly(parsed.pattern)) {
    notes.refuse(
      place,
      `${name}: "." would go out directly; here it is for patterns of loopback addresses only; ${remedy('')}`,
      '',
    );
  }
  return { ...place, pattern: parsed.pattern, way };
}

/** The words behind the pattern: `parent` for `forward`, `socks parent` for the others. */
export function parseWay(
  name: string,
  words: readonly string[],
  place: Place,
  notes: Notes,
): Way | undefined {
  const kind = KINDS[name];
  if (kind === undefined || words.length !== (kind === 'http' ? 1 : 2)) {
    notes.refuse(place, `"${[name, ...words].join(' ')}" is no way to forward`);
    return undefined;
  }
  const errors = notes.errors.length;
  const socks = kind === 'http' ? undefined : parseSocks(kind, words[0] ?? '', place, notes);
  const last = words.at(-1) ?? '';
  const http = last === '.' ? undefined : checkedEndpoint(last, HTTP_PARENT_PORT, place, notes);
  if (http !== undefined && 'path' in http) {
    notes.refuse(place, 'an HTTP parent has an address and a port; the router is 127.0.0.1:4444');
  }
  if (notes.errors.length > errors) return undefined;
  if (http === undefined ? isLoopback(socks?.endpoint, [ROUTER_SOCKS_PORT]) : isRouter(http, socks))
    return { i2p: true };
  return { ...(socks === undefined ? {} : { socks }), ...(http === undefined ? {} : { http }) };
}

export function isDirect(way: Way): boolean {
  return way.i2p === undefined && way.socks === undefined && way.http === undefined;
}

/** Straight to Tor, which takes no name in .i2p. */
export function isTor(way: Way): boolean {
  return way.http === undefined && isLoopback(way.socks?.endpoint, TOR_PORTS);
}

function isRouter(http: Endpoint, socks: SocksParent | undefined): boolean {
  return socks === undefined && isLoopback(http, [ROUTER_PORT]);
}

function isLoopback(endpoint: Endpoint | undefined, ports: readonly number[]): boolean {
  if (endpoint === undefined || 'path' in endpoint || !ports.includes(endpoint.port)) return false;
  return endpoint.host === '127.0.0.1' || endpoint.host === '::1';
}

/** What a rule with too few words was meant to say: Privoxy passes over it, and then the gateway's own rules take it. */
function completed(name: string, source: string, rest: readonly string[]): string | undefined {
  const [parent, ...more] = rest;
  if (more.length > 0) return undefined;
  if (name === 'forward') return parent === undefined && isI2pPattern(source) ? i2pRule(source) : '';
  return parent === undefined ? '' : `${name} ${source} ${parent} .`;
}

/** A pattern that speaks of .i2p, and not one that merely fits it as it fits everything. */
export function isI2pPattern(source: string): boolean {
  return /(?:^|\.)i2p(?:[:/]|$)/i.test(source);
}

function i2pRule(source: string): string {
  return `forward ${source} 127.0.0.1:${ROUTER_PORT}`;
}

function parseSocks(
  version: SocksVersion,
  text: string,
  place: Place,
  notes: Notes,
): SocksParent | undefined {
  if (text === '.') {
    notes.refuse(place, 'a SOCKS parent is needed, not "."');
    return undefined;
  }
  const at = text.lastIndexOf('@');
  const written = checkedEndpoint(text.slice(at + 1), SOCKS_PARENT_PORT, place, notes);
  // Tor listens on 127.0.0.1: the gate has no IPv6.
  const endpoint =
    written !== undefined && 'port' in written && isLoopback(written, TOR_PORTS)
      ? { host: '127.0.0.1', port: written.port }
      : written;
  if (endpoint === undefined || at < 0) return endpoint && { version, endpoint };
  const account = /^([^:]{1,255}):([^:]{1,255})$/.exec(text.slice(0, at));
  if (account === null || version === '4a') {
    notes.refuse(
      place,
      version === '4a' ? 'SOCKS 4a has no user and password' : 'needs user:password before "@"',
    );
    return undefined;
  }
  return { version, endpoint, user: account[1] ?? '', password: account[2] ?? '' };
}

function checkedEndpoint(text: string, port: number, place: Place, notes: Notes): Endpoint | undefined {
  const parsed = parseEndpoint(text, port);
  if ('why' in parsed) {
    notes.refuse(place, parsed.why);
    return undefined;
  }
  if (parsed.defaulted) notes.warn(place, `a parent without a port means port ${port}`);
  return parsed.endpoint;
}

/** True when a pattern fits nothing but names and addresses of the machine itself. */
function loopbackOnly(pattern: UrlPattern): boolean {
  const { host } = pattern;
  if (host.kind !== 'labels' || host.openLeft || host.openRight) return false;
  const text = host.labels.map((label) => (typeof label === 'string' ? label : starText(label))).join('.');
  return text === 'localhost' || text === '::1' || /^127(?:\.(?:\d{1,3}|\*)){3}$/.test(text);
}

/** A lone star as it was written; other globs as what nothing is compared with. */
function starText(parts: readonly unknown[]): string {
  return parts.length === 1 && parts[0] === 'text' ? '*' : '?';
}
