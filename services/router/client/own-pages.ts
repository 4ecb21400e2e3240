import type { AddressHelpers } from './address-helper.ts';
import { methodPage } from './error-pages.ts';
import { homePage, movedPage, noSuchPage, staleOfferPage } from './helper-pages.ts';
import { OWN_HOST, type RequestHead } from './http-decision.ts';
import { valuesOf } from './http-list.ts';
import type { Page } from './pages.ts';
import { type HttpTarget, parseHttpTarget } from './request-target.ts';

/** Bytes of a form that is sent to `proxy.i2p`. */
export const OWN_FORM_MAX = 1024;

/** Whether the request is one whose body is a form to be read, up to `OWN_FORM_MAX`. */
export function wantsForm(method: string, target: HttpTarget): boolean {
  return method === 'POST' && pathOf(target) === '/add';
}

/**
 * The pages of `proxy.i2p`. Sites learn nothing from them: a request that comes from another page gets the answer
 * of a page that does not exist.
 */
export function ownPage(
  head: RequestHead,
  target: HttpTarget,
  form: string,
  helpers: AddressHelpers,
  now: number,
): Page {
  if (wantsForm(head.method, target)) {
    const location = helpers.accept(new URLSearchParams(form).get('nonce') ?? '', now);
    return location === undefined ? staleOfferPage() : movedPage(location);
  }
  if (comesFromElsewhere(head)) return noSuchPage();
  if (head.method !== 'GET' && head.method !== 'HEAD') return methodPage(['GET', 'HEAD']);
  return pathOf(target) === '/' ? homePage() : noSuchPage();
}

function pathOf(target: HttpTarget): string {
  return target.path.split('?', 1)[0] ?? '/';
}

function comesFromElsewhere(head: RequestHead): boolean {
  return [...valuesOf(head.headers, 'origin'), ...valuesOf(head.headers, 'referer')].some((value) => {
    const from = parseHttpTarget(value);
    return from.kind !== 'http' || from.host !== OWN_HOST;
  });
}
