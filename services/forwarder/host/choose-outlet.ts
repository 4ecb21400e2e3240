import { formTooLargePage } from '../i2p/helper-pages.ts';
import { OWN_FORM_MAX } from '../i2p/own-pages.ts';
import type { Answer } from '../pages/answer.ts';
import type { Go } from './admit.ts';
import { noRouteAnswer } from './answers.ts';
import { type Outlet, parentOutlet, siteOutlet } from './outlet.ts';
import type { ClientTurn } from './turn.ts';

export type Chosen =
  | { readonly kind: 'outlet'; readonly outlet: Outlet; readonly site: boolean }
  | { readonly kind: 'answer'; readonly answer: Answer };

/** Where a request leaves, or the answer when it does not. A form for a page of ours is read here. */
export function chooseOutlet(turn: ClientTurn, { route, facts }: Go): Chosen | Promise<Chosen> {
  const { visit } = turn;
  const { context } = visit;
  if (route.kind === 'i2p') return chooseSite(turn, facts);
  const { settings } = context.rules;
  const limits = {
    timeoutMs: settings.socketTimeoutMs,
    retries: settings.connectRetries,
    client: facts.origin,
  };
  return { kind: 'outlet', outlet: parentOutlet(visit.link, route, facts.url, limits), site: false };
}

async function chooseSite(turn: ClientTurn, facts: Go['facts']): Promise<Chosen> {
  const { visit } = turn;
  const { context } = visit;
  const site = await context.i2p?.prepare(facts);
  if (site === undefined) return { kind: 'answer', answer: noRouteAnswer() };
  if (site.kind === 'site') return { kind: 'outlet', outlet: siteOutlet(visit.link, site), site: true };
  if (site.kind === 'answer') return site;
  const form = await turn.readBody(OWN_FORM_MAX, context.limits.headMs);
  return { kind: 'answer', answer: form === undefined ? formTooLargePage() : await site.answer(form) };
}
