import type { AddressHelpers, HelperVerdict } from './address-helper.ts';
import { takeHelper, urlOf } from './address-helper.ts';
import {
  encryptedLeaseSetPage,
  forbiddenPage,
  localPage,
  malformedPage,
  methodPage,
  outsidePage,
  tooLargePage,
  unknownNamePage,
} from './error-pages.ts';
import { badHelperPage, conflictPage, movedPage, newNamePage } from './helper-pages.ts';
import { type RawHeaders, singleValue, valuesOf } from './http-list.ts';
import type { Naming } from './naming.ts';
import type { Page } from './pages.ts';
import {
  type HttpTarget,
  isLocalHost,
  parseConnectTarget,
  parseHttpTarget,
  REQUEST_TARGET_MAX,
} from './request-target.ts';
import { base32Name, type StreamTarget, targetHash } from './target.ts';

/** Header lines of one request. */
export const REQUEST_HEADERS_MAX = 100;

/** Methods that are passed on; TRACE is not, it would show a page what the proxy made of its request. */
export const SITE_METHODS: readonly string[] = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'SEARCH', 'REPORT', 'MERGE'],
  ...['CHECKOUT', 'MKACTIVITY', 'MKCALENDAR', 'ACL', 'BIND', 'REBIND', 'UNBIND'],
];

/** The gateway's own host name; requests for it never leave. */
export const OWN_HOST = 'proxy.i2p';

export interface RequestHead {
  readonly method: string;
  /** request target as sent */
  readonly url: string;
  readonly headers: RawHeaders;
}

export interface AddressBooks {
  readonly naming: Naming;
  readonly helpers: AddressHelpers;
}

export type RequestDecision =
  | { readonly kind: 'page'; readonly page: Page }
  /** a page of ours at `proxy.i2p` */
  | { readonly kind: 'own'; readonly target: HttpTarget }
  | { readonly kind: 'site'; readonly url: HttpTarget; readonly target: StreamTarget };

/** What to do with a request other than CONNECT. `now` in milliseconds. */
export function decideRequest(head: RequestHead, books: AddressBooks, now: number): RequestDecision {
  const bad = headFault(head);
  if (bad !== undefined) return { kind: 'page', page: bad };
  if (!SITE_METHODS.includes(head.method)) return { kind: 'page', page: methodPage(SITE_METHODS) };
  const url = parseHttpTarget(head.url);
  if (url.kind === 'malformed') return { kind: 'page', page: malformedPage(url.why) };
  if (url.kind === 'forbidden') return { kind: 'page', page: forbiddenPage(url.why) };
  if (url.host === OWN_HOST) return { kind: 'own', target: url };
  const taken = takeHelper(url.path);
  if (taken === undefined) return resolveSite(url, books.naming);
  return decideHelper(head, { ...url, path: taken.path }, taken.values, books, now);
}

export type ConnectDecision =
  | { readonly kind: 'page'; readonly page: Page }
  | { readonly kind: 'site'; readonly target: StreamTarget; readonly port: number };

/** What to do with CONNECT. */
export function decideConnect(head: RequestHead, naming: Naming): ConnectDecision {
  const bad = headFault(head);
  if (bad !== undefined) return { kind: 'page', page: bad };
  const where = parseConnectTarget(head.url);
  if (where === undefined) {
    return { kind: 'page', page: malformedPage('CONNECT needs a host name and a port.') };
  }
  const resolved = resolveHost(where.host, naming);
  if (resolved.kind === 'page') return resolved;
  if (where.port === 80) {
    return {
      kind: 'page',
      page: forbiddenPage(
        'CONNECT to port 80 is closed: what passes through it could not be cleaned of what identifies you.',
      ),
    };
  }
  if (where.port !== 443 && where.port < 1024) {
    return { kind: 'page', page: forbiddenPage('CONNECT is open to port 443 and to ports from 1024 on.') };
  }
  return { ...resolved, port: where.port };
}

/** Faults that node:http lets through. */
function headFault(head: RequestHead): Page | undefined {
  if (head.headers.length > 2 * REQUEST_HEADERS_MAX) return tooLargePage(431);
  if (head.url.length > REQUEST_TARGET_MAX) return tooLargePage(414);
  if (valuesOf(head.headers, 'host').length > 1) return malformedPage('The request has two Host headers.');
  return undefined;
}

function resolveSite(url: HttpTarget, naming: Naming): RequestDecision {
  const resolved = resolveHost(url.host, naming);
  return resolved.kind === 'page' ? resolved : { kind: 'site', url, target: resolved.target };
}

type ResolvedHost =
  | { readonly kind: 'page'; readonly page: Page }
  | { readonly kind: 'site'; readonly target: StreamTarget };

function resolveHost(host: string, naming: Naming): ResolvedHost {
  const resolution = naming.resolve(host);
  switch (resolution.kind) {
    case 'found':
      return { kind: 'site', target: resolution.target };
    case 'unknown':
      return { kind: 'page', page: unknownNamePage(resolution.name) };
    case 'unsupported':
      return { kind: 'page', page: encryptedLeaseSetPage() };
    case 'reserved':
      return { kind: 'page', page: forbiddenPage('The name is reserved for local services.') };
    case 'invalid':
      return { kind: 'page', page: forbiddenPage(`This is no valid I2P name: ${resolution.why}.`) };
    case 'outside':
      return { kind: 'page', page: isLocalHost(host) ? localPage() : outsidePage() };
  }
}

function decideHelper(
  head: RequestHead,
  url: HttpTarget,
  values: readonly string[],
  books: AddressBooks,
  now: number,
): RequestDecision {
  const host = resolveHost(url.host, books.naming);
  // Only a good name that nobody has yet can be helped; other refusals stand.
  if (host.kind === 'page' && host.page.status !== 404) return host;
  const verdict = books.helpers.judge(url, values, now);
  switch (verdict.kind) {
    case 'bad':
      return { kind: 'page', page: verdict.why === 'bad' ? badHelperPage() : encryptedLeaseSetPage() };
    case 'conflict':
      return { kind: 'page', page: conflictPage(url.host, urlOf(url, url.host), verdict.once) };
    case 'known':
      // A redirected POST would lose its body.
      if (host.kind === 'page' || !(head.method === 'GET' || head.method === 'HEAD')) {
        return resolveSite(url, books.naming);
      }
      return { kind: 'page', page: movedPage(urlOf(url, url.host)) };
    case 'new':
      return decideNewName(head, url, verdict);
  }
}

function decideNewName(
  head: RequestHead,
  url: HttpTarget,
  verdict: Extract<HelperVerdict, { kind: 'new' }>,
): RequestDecision {
  if (isPlainFetcher(head.headers)) return { kind: 'site', url, target: verdict.offered };
  const { nonce, once } = verdict;
  const origin = urlOf({ ...url, path: '' }, url.host);
  return { kind: 'page', page: newNamePage({ host: url.host, origin, nonce, once }) };
}

/**
 * Syndie's fetcher can't click: it calls itself Wget and is led to the helper's destination, which is not kept.
 * A script in a browser can borrow the name, but not for another site without Origin or Referer beside it.
 */
function isPlainFetcher(headers: RawHeaders): boolean {
  if (!(singleValue(headers, 'user-agent') ?? '').startsWith('Wget')) return false;
  return ['origin', 'referer', 'cookie'].every((name) => valuesOf(headers, name).length === 0);
}

/** Host header and origin that a site sees in place of the local name. */
export function siteHostHeader(target: StreamTarget): string {
  return base32Name(targetHash(target));
}
