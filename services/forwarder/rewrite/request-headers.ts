import type { Framing } from '../http/framing.ts';
import type { ActionSet } from '../rules/actions.ts';
import type { RequestFacts } from '../rules/decide.ts';
import { type HeaderPair, pairsOf } from '../rules/raw-headers.ts';
import type { Rules } from '../rules/rules.ts';
import { HEADER_LINE } from '../syntax/action-table.ts';
import { httpDate, parseHttpDate } from './dates.ts';
import { crunchHeaders, filterHeaders } from './header-filters.ts';
import { endsHere } from './hop-by-hop.ts';
import { hiddenReferer, namesOtherI2pSite } from './referer.ts';

export interface RequestPlan extends RequestFacts {
  readonly framing: Framing;
  /** whether the next hop is a proxy too */
  readonly toProxy: boolean;
  /** what `Connection` says to the next hop; absent: nothing, which means keep-alive */
  readonly connection?: 'keep-alive' | 'close' | 'Upgrade';
  readonly upgrade?: string;
  /** milliseconds since the epoch, and a number from 0 to 1: for dates that are moved */
  readonly now: number;
  readonly random: number;
}

/**
 * The headers that go to the next hop, raw and in order. May take long with a boxed expression. Privoxy's order: first
 * what single actions do, then what crunches, then the filters, and what is added is touched by none of them.
 */
export function requestHeaders(plan: RequestPlan, actions: ActionSet, rules: Rules): string[] {
  const crunched = crunchHeaders(keptHeaders(plan, actions, rules), actions.value('crunch-client-header'));
  const filtered = filterHeaders('client-header-filter', crunched, actions, rules, plan);
  const has = (key: string): boolean =>
    filtered.some(([name]) => name.length === key.length && name.toLowerCase() === key);
  if (!has('host')) filtered.push(['Host', plan.url.authority]);
  for (const line of actions.values('add-header')) {
    const parts = HEADER_LINE.exec(line);
    if (parts !== null) filtered.push([parts[1] ?? '', parts[2] ?? '']);
  }
  if (!has('connection')) filtered.push(...connectionHeaders(plan, 'Connection'));
  return ordered(filtered, rules.settings.headerOrder).flat();
}

/** What came from the client and goes on, changed by single actions. */
function keptHeaders(plan: RequestPlan, actions: ActionSet, rules: Rules): HeaderPair[] {
  const ends = endsHere(plan.headers);
  const kept: HeaderPair[] = [];
  let connectionSeen = false;
  for (const [name, value] of pairsOf(plan.headers)) {
    const key = name.toLowerCase();
    if (key === 'connection' && !connectionSeen) {
      connectionSeen = true;
      kept.push(...connectionHeaders(plan, name));
    }
    if (key === 'transfer-encoding' && plan.framing.kind === 'chunked') kept.push([name, 'chunked']);
    if (ends(key) || (key === 'content-length' && plan.framing.kind !== 'length')) continue;
    const sent = sentValue(key, value, plan, actions, rules);
    if (sent !== undefined) kept.push([name, sent]);
  }
  return kept;
}

function connectionHeaders(plan: RequestPlan, name: string): HeaderPair[] {
  if (plan.connection === undefined) return [];
  const connection: HeaderPair = [name, plan.connection];
  return plan.upgrade === undefined ? [connection] : [connection, ['Upgrade', plan.upgrade]];
}

/** Undefined drops the header. */
function sentValue(
  key: string,
  value: string,
  plan: RequestPlan,
  actions: ActionSet,
  rules: Rules,
): string | undefined {
  switch (key) {
    case 'host':
      return plan.url.authority;
    case 'proxy-authorization':
      return rules.settings.passProxyAuthentication && plan.toProxy ? value : undefined;
    case 'referer':
      return sentReferer(value, plan, actions);
    case 'origin':
      return namesOtherI2pSite(value, plan.url) ? 'null' : value;
    case 'max-forwards':
      return sentMaxForwards(value, plan.method);
    case 'if-modified-since':
      return sentSince(value, plan, actions.value('hide-if-modified-since'));
    default:
      return sentByAction(key, value, actions);
  }
}

function sentByAction(key: string, value: string, actions: ActionSet): string | undefined {
  switch (key) {
    case 'user-agent':
      return actions.value('hide-user-agent') ?? value;
    case 'accept-language':
      return orBlock(actions.value('hide-accept-language'), value);
    case 'from':
      return orBlock(actions.value('hide-from-header'), value);
    case 'x-forwarded-for':
      return actions.has('change-x-forwarded-for') ? undefined : value;
    case 'cookie':
      return actions.has('crunch-outgoing-cookies') ? undefined : value;
    case 'if-none-match':
      return actions.has('crunch-if-none-match') ? undefined : value;
    case 'accept-encoding':
      return actions.has('prevent-compression') ? undefined : value;
    default:
      // Headers of old browsers for small screens say what User-Agent says.
      return key.startsWith('ua-') && actions.has('hide-user-agent') ? undefined : value;
  }
}

function orBlock(action: string | undefined, value: string): string | undefined {
  if (action === undefined) return value;
  return action === 'block' ? undefined : action;
}

function sentReferer(value: string, plan: RequestPlan, actions: ActionSet): string | undefined {
  const mode = actions.value('hide-referrer');
  const hidden = mode === undefined ? value : hiddenReferer(value, plan.url, mode);
  return hidden === undefined || namesOtherI2pSite(hidden, plan.url) ? undefined : hidden;
}

function sentMaxForwards(value: string, method: string): string {
  if ((method !== 'TRACE' && method !== 'OPTIONS') || !/^\d{1,9}$/.test(value)) return value;
  return String(Math.max(0, Number(value) - 1));
}

/** A number of minutes moves the date by a random part of it. */
function sentSince(value: string, plan: RequestPlan, action: string | undefined): string | undefined {
  if (action === undefined) return value;
  const time = parseHttpDate(value);
  if (action === 'block' || time === undefined) return undefined;
  return httpDate(time + Math.round(Number(action) * 60 * plan.random) * 1_000);
}

/** `client-header-order`: named headers first, in that order; the others behind them as they came. */
function ordered(headers: readonly HeaderPair[], order: readonly string[]): HeaderPair[] {
  if (order.length === 0) return [...headers];
  const rank = ([name]: HeaderPair): number => {
    const at = order.indexOf(name.toLowerCase());
    return at < 0 ? order.length : at;
  };
  return headers.toSorted((a, b) => rank(a) - rank(b));
}
