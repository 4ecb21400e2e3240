import type { Answer } from '../pages/answer.ts';
import { type RawHeaders, valuesOf } from '../rules/raw-headers.ts';
import { parseAbsolute, type RequestUrl } from '../rules/request-url.ts';
import type { AddressHelpers } from './address-helper.ts';
import { homePage, movedPage, noSuchPage, staleOfferPage } from './helper-pages.ts';
import { methodPage } from './site-pages.ts';

/** The host whose pages are ours; requests for it never leave. */
export const OWN_HOST = 'proxy.i2p';

/** Bytes of a form that is sent to `proxy.i2p`. */
export const OWN_FORM_MAX = 1024;

export interface OwnRequest {
  /** of the workstation */
  readonly key: string;
  readonly method: string;
  readonly url: RequestUrl;
  readonly headers: RawHeaders;
}

/** Whether the request is one whose body is a form to be read, up to `OWN_FORM_MAX`. */
export function wantsForm({ method, url }: Pick<OwnRequest, 'method' | 'url'>): boolean {
  return method === 'POST' && pathOf(url) === '/add';
}

/** The answer to a form; `now` in milliseconds. */
export async function formAnswer(
  request: OwnRequest,
  form: string,
  helpers: AddressHelpers,
  now: number,
): Promise<Answer> {
  const nonce = new URLSearchParams(form).get('nonce') ?? '';
  const location = await helpers.accept(request.key, nonce, now);
  return location === undefined ? staleOfferPage() : movedPage(location);
}

/**
 * The other pages of `proxy.i2p`. Sites learn nothing from them: a request that comes from another page gets the answer
 * of a page that does not exist.
 */
export function ownPage(request: OwnRequest): Answer {
  if (comesFromElsewhere(request.headers)) return noSuchPage();
  if (request.method !== 'GET' && request.method !== 'HEAD') return methodPage('GET, HEAD');
  return pathOf(request.url) === '/' ? homePage() : noSuchPage();
}

function pathOf(url: RequestUrl): string {
  return url.path.split('?', 1)[0] ?? '/';
}

function comesFromElsewhere(headers: RawHeaders): boolean {
  return [...valuesOf(headers, 'origin'), ...valuesOf(headers, 'referer')].some((value) => {
    const from = parseAbsolute(value);
    return from.kind !== 'url' || from.url.host !== OWN_HOST;
  });
}
