import type { ActionSet } from '../rules/actions.ts';
import type { RequestFacts } from '../rules/decide.ts';
import { type HeaderPair, pairsOf, type RawHeaders } from '../rules/raw-headers.ts';
import type { Rules } from '../rules/rules.ts';
import { limitedCookie, sessionCookie } from './cookies.ts';
import { httpDate, parseHttpDate } from './dates.ts';
import { crunchHeaders, filterHeaders } from './header-filters.ts';
import { endsHere } from './hop-by-hop.ts';

export interface ResponsePlan {
  readonly request: RequestFacts;
  readonly headers: RawHeaders;
  /** milliseconds since the epoch, and a number from 0 to 1: for dates that are moved */
  readonly now: number;
  readonly random: number;
}

/** The headers that go to the client, without framing and connection headers. May take long with a boxed expression. */
export function responseHeaders(plan: ResponsePlan, actions: ActionSet, rules: Rules): string[] {
  const ends = endsHere(plan.headers);
  const kept: HeaderPair[] = [];
  for (const [name, value] of pairsOf(plan.headers)) {
    const key = name.toLowerCase();
    if (ends(key)) continue;
    if (key === 'proxy-authenticate' && !rules.settings.passProxyAuthentication) continue;
    const sent = sentValue(key, value, plan, actions);
    if (sent !== undefined) kept.push([name, sent]);
  }
  const crunched = crunchHeaders(kept, actions.value('crunch-server-header'));
  return filterHeaders('server-header-filter', crunched, actions, rules, plan.request).flat();
}

function sentValue(key: string, value: string, plan: ResponsePlan, actions: ActionSet): string | undefined {
  switch (key) {
    case 'set-cookie':
      return sentCookie(value, plan.now, actions);
    case 'content-disposition': {
      const action = actions.value('hide-content-disposition');
      if (action === undefined) return value;
      return action === 'block' ? undefined : action;
    }
    case 'content-type':
      return actions.value('content-type-overwrite') ?? value;
    case 'last-modified':
      return sentLastModified(value, plan, actions.value('overwrite-last-modified'));
    default:
      return value;
  }
}

function sentCookie(value: string, now: number, actions: ActionSet): string | undefined {
  if (actions.has('crunch-incoming-cookies')) return undefined;
  const minutes = actions.value('limit-cookie-lifetime');
  const limited = minutes === undefined ? value : limitedCookie(value, Number(minutes), now);
  return actions.has('session-cookies-only') ? sessionCookie(limited, now) : limited;
}

function sentLastModified(value: string, plan: ResponsePlan, action: string | undefined): string | undefined {
  switch (action) {
    case undefined:
      return value;
    case 'block':
      return undefined;
    case 'reset-to-request-time':
      return httpDate(plan.now);
    default: {
      const time = parseHttpDate(value);
      if (time === undefined || time >= plan.now) return value;
      return httpDate(time + Math.round((plan.now - time) * plan.random));
    }
  }
}
