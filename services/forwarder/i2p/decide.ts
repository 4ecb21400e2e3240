import type { NameAnswer } from '@allium/common/contracts/names.ts';
import type { Answer } from '../pages/answer.ts';
import { type RawHeaders, valuesOf } from '../rules/raw-headers.ts';
import type { RequestUrl } from '../rules/request-url.ts';
import { type AddressHelpers, type HelperVerdict, takeHelper, urlUnder } from './address-helper.ts';
import { badHelperPage, conflictPage, movedPage, newNamePage } from './helper-pages.ts';
import type { Names } from './names.ts';
import { OWN_HOST } from './own-pages.ts';
import { forbiddenPage, methodPage, outsidePage, refusalPage, unknownNamePage } from './site-pages.ts';

export interface SiteQuestion {
  /** of the workstation: whose names count */
  readonly key: string;
  readonly method: string;
  readonly url: RequestUrl;
  /** as the browser sent them: rules of the configuration may hide what decides here */
  readonly headers: RawHeaders;
}

export interface AddressBooks {
  readonly names: Names;
  readonly helpers: AddressHelpers;
}

export type SiteDecision =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** a page of ours at `proxy.i2p` */
  | { readonly kind: 'own' }
  /** `path` is without address helpers */
  | { readonly kind: 'site'; readonly base32: string; readonly path: string };

/**
 * What to do with a request that goes to I2P; for CONNECT the path is not looked at. `now` in milliseconds. Rejects when
 * `names` does.
 */
export async function decideSite(
  question: SiteQuestion,
  books: AddressBooks,
  now: number,
): Promise<SiteDecision> {
  const { key, method, url } = question;
  // It would show a page what was made of its request.
  if (method === 'TRACE')
    return { kind: 'answer', answer: methodPage('GET, HEAD, POST, PUT, DELETE, OPTIONS') };
  if (url.host === OWN_HOST && url.scheme === 'http') return { kind: 'own' };
  const found = await books.names.resolve(key, url.host);
  const taken = url.scheme === 'http' ? takeHelper(url.path) : undefined;
  if (taken === undefined) return siteOf(found, url);
  // Only a good name that nobody has yet can be helped; other refusals stand.
  if (found.kind !== 'found' && found.kind !== 'unknown') return siteOf(found, url);
  const plain = { ...url, path: taken.path };
  const verdict = await books.helpers.judge(key, plain, taken.values, now);
  return helped({ ...question, url: plain }, found, verdict);
}

function siteOf(found: NameAnswer, url: RequestUrl): SiteDecision {
  if (found.kind === 'found') return { kind: 'site', base32: found.base32, path: url.path };
  return { kind: 'answer', answer: nameAnswer(found, url.host) };
}

function nameAnswer(found: Exclude<NameAnswer, { kind: 'found' }>, host: string): Answer {
  switch (found.kind) {
    case 'unknown':
      return unknownNamePage(host);
    case 'encrypted':
      return refusalPage('encrypted');
    case 'reserved':
      return forbiddenPage('The name is reserved for local services.');
    case 'invalid':
      return forbiddenPage(`This is no valid I2P name: ${found.why}.`);
    case 'outside':
      return outsidePage();
  }
}

function helped(question: SiteQuestion, found: NameAnswer, verdict: HelperVerdict): SiteDecision {
  const { url, method } = question;
  switch (verdict.kind) {
    case 'bad':
      return { kind: 'answer', answer: badHelperPage() };
    case 'encrypted':
      return { kind: 'answer', answer: refusalPage('encrypted') };
    case 'conflict':
      return { kind: 'answer', answer: conflictPage(url.host, urlUnder(url, url.host), verdict.once) };
    case 'known':
      // A redirected POST would lose its body.
      if (found.kind !== 'found' || !(method === 'GET' || method === 'HEAD')) return siteOf(found, url);
      return { kind: 'answer', answer: movedPage(urlUnder(url, url.host)) };
    case 'new':
      return newName(question, verdict);
  }
}

function newName(question: SiteQuestion, verdict: Extract<HelperVerdict, { kind: 'new' }>): SiteDecision {
  const { url, headers } = question;
  const { base32, nonce, once } = verdict;
  if (isPlainFetcher(headers)) return { kind: 'site', base32, path: url.path };
  const origin = urlUnder({ ...url, path: '' }, url.host);
  return { kind: 'answer', answer: newNamePage({ host: url.host, origin, nonce, once }) };
}

/**
 * Syndie's fetcher can't click: it calls itself Wget and is led to the helper's destination, which is not kept.
 * A script in a browser can borrow the name, but not for another site without Origin or Referer beside it.
 */
function isPlainFetcher(headers: RawHeaders): boolean {
  const agents = valuesOf(headers, 'user-agent');
  if (agents.length !== 1 || agents[0]?.startsWith('Wget') !== true) return false;
  return ['origin', 'referer', 'cookie'].every((name) => valuesOf(headers, name).length === 0);
}
