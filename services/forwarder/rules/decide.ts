import type { ActionSection } from '../syntax/action-file.ts';
import { parsePortList, portInList } from '../syntax/port-list.ts';
import { ActionSet } from './actions.ts';
import { fastRedirect } from './fast-redirect.ts';
import { matchesUrl } from './match-url.ts';
import { pairsOf, type RawHeaders } from './raw-headers.ts';
import { absoluteUrl, isI2pHost, type RequestUrl } from './request-url.ts';
import { filterKey, type Rules } from './rules.ts';
import { substitute, type Variables } from './substitute.ts';

/** Ports of CONNECT to I2P when no action says anything else. */
const I2P_CONNECT_PORTS = parsePortList('80,443,1024-').ranges;
const UNTRUSTED = 'not on the list of trusted sites';
/** Tags of one request; each is one line. */
const TAGS_MAX = 32;
const TAG = /^[^\r\n]+$/;

export interface RequestFacts {
  readonly method: string;
  readonly url: RequestUrl;
  readonly headers: RawHeaders;
  /** address of the client */
  readonly origin: string;
  /** address that the client came to */
  readonly listenAddress: string;
}

export type Verdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'block'; readonly reason: string }
  /** CONNECT to a port that is not open */
  | { readonly kind: 'port' };

export interface Decision {
  readonly verdict: Verdict;
  readonly actions: ActionSet;
  readonly tags: readonly string[];
  /** what fitted, in order */
  readonly sections: readonly ActionSection[];
}

/** Merges the actions for a request and judges it. Runs the expressions of the files: call it under a time limit. */
export function decide(facts: RequestFacts, rules: Rules): Decision {
  const { url } = facts;
  const actions = new ActionSet();
  if (!rules.settings.actionsOn) {
    return { verdict: strict(facts, actions, rules), actions, tags: [], sections: [] };
  }
  const sections = rules.index.forUrl(url);
  applyAll(actions, sections);
  const tags = tagsOf(facts, actions, rules);
  const tagged = rules.index.forTags(tags);
  applyAll(actions, tagged);
  return { verdict: judge(facts, actions, rules), actions, tags, sections: [...sections, ...tagged] };
}

export function variablesOf(facts: RequestFacts): Variables {
  return {
    url: absoluteUrl(facts.url),
    host: facts.url.host,
    path: facts.url.path,
    origin: facts.origin,
    'listen-address': facts.listenAddress,
  };
}

function applyAll(actions: ActionSet, sections: readonly ActionSection[]): void {
  for (const section of sections) for (const change of section.changes) actions.apply(change);
}

/** Runs the taggers over the request line and the headers, as `Name: value`. */
function tagsOf(facts: RequestFacts, actions: ActionSet, rules: Rules): string[] {
  const taggers = actions.values('client-header-tagger');
  if (taggers.length === 0) return [];
  const target = facts.url.scheme === 'connect' ? facts.url.authority : absoluteUrl(facts.url);
  const lines = [
    `${facts.method} ${target} HTTP/1.1`,
    ...pairsOf(facts.headers).map((pair) => pair.join(': ')),
  ];
  const suppressed = new Set(actions.values('suppress-tag'));
  const tags = new Set<string>();
  const variables = variablesOf(facts);
  for (const name of taggers) {
    const filter = rules.filters.get(filterKey('client-header-tagger', name));
    for (const line of lines) {
      let tag: string | undefined;
      for (const job of filter?.jobs ?? []) tag = substitute(job, tag ?? line, variables) ?? tag;
      if (tag !== undefined && TAG.test(tag) && !suppressed.has(tag) && tags.size < TAGS_MAX) tags.add(tag);
    }
  }
  return [...tags];
}

/** Privoxy's order: blocks come before redirects, redirects before the route. */
function judge(facts: RequestFacts, actions: ActionSet, rules: Rules): Verdict {
  const reason = actions.value('block');
  const refusal = strict(facts, actions, rules);
  if (refusal.kind !== 'port' && reason !== undefined) return { kind: 'block', reason };
  if (refusal.kind !== 'pass') return refusal;
  if (facts.url.scheme === 'connect') return { kind: 'pass' };
  const location = redirectOf(facts, actions, rules);
  return location === undefined ? { kind: 'pass' } : { kind: 'redirect', location };
}

/** What no action and no toggle takes away: ports of CONNECT, and the list of trusted sites. */
function strict(facts: RequestFacts, actions: ActionSet, { trust }: Rules): Verdict {
  const port = connectPort(facts, actions);
  if (port.kind !== 'pass' || trust === undefined) return port;
  const last = trust.findLast(({ pattern }) => matchesUrl(pattern, facts.url));
  return last?.trusted === true ? port : { kind: 'block', reason: UNTRUSTED };
}

function connectPort({ url }: RequestFacts, actions: ActionSet): Verdict {
  if (url.scheme !== 'connect') return { kind: 'pass' };
  const list = actions.value('limit-connect');
  if (list === undefined && !isI2pHost(url.host)) return { kind: 'pass' };
  const ranges = list === undefined ? I2P_CONNECT_PORTS : parsePortList(list).ranges;
  return portInList(ranges, url.port) ? { kind: 'pass' } : { kind: 'port' };
}

/** Where to send the browser instead; never to the same place and never to another scheme. */
function redirectOf(facts: RequestFacts, actions: ActionSet, rules: Rules): string | undefined {
  const here = absoluteUrl(facts.url);
  const found =
    redirectTarget(facts, actions, rules, here) ?? fastRedirect(here, actions.value('fast-redirects'));
  if (found === undefined || found === here || !/^https?:\/\/[\x21-\x7e]+$/i.test(found)) return undefined;
  return found;
}

function redirectTarget(
  facts: RequestFacts,
  actions: ActionSet,
  rules: Rules,
  here: string,
): string | undefined {
  const value = actions.value('redirect');
  if (value === undefined || /^https?:/i.test(value)) return value;
  const job = rules.redirects.get(value);
  return job === undefined ? undefined : substitute(job, here, variablesOf(facts));
}
