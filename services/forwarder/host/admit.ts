import type { RequestFault, RequestHead } from '../http/request-head.ts';
import type { Answer } from '../pages/answer.ts';
import { chooseRoute, type Route } from '../route/choose.ts';
import { permitted } from '../rules/access.ts';
import { type Decision, decide, type RequestFacts } from '../rules/decide.ts';
import { type ParsedTarget, parseAbsolute, parseConnect, parseOrigin } from '../rules/request-url.ts';
import {
  INVALID_HEADER,
  noRouteAnswer,
  portAnswer,
  redirectAnswer,
  TOO_LARGE,
  URI_TOO_LONG,
  unsafePatternAnswer,
  unsupportedScheme,
} from './answers.ts';
import { blockAnswer } from './blocked-images.ts';
import type { ClientVisit } from './client-visit.ts';
import type { Context } from './context.ts';
import { ownPage } from './own-pages.ts';
import { TimeBoxError } from './time-box.ts';
import type { I2pRoute, OpenRoute } from './way.ts';

export interface Go {
  readonly kind: 'go';
  readonly facts: RequestFacts;
  readonly decision: Decision;
  readonly route: OpenRoute | I2pRoute;
}

export type Verdict =
  | { readonly kind: 'answer'; readonly answer: Answer; readonly code: string }
  /** the access list forbids it: the connection is dropped without a word */
  | { readonly kind: 'drop' }
  | Go;

/** Everything that is decided before a parent is asked, once for requests, tunnels and upgrades. */
export function admit(head: RequestHead, visit: ClientVisit, context: Context): Verdict {
  const target = targetOf(head, visit.tunnelTo);
  if (target.kind !== 'url')
    return { kind: 'answer', code: `refused-${target.kind}`, answer: targetAnswer(target.kind) };
  const facts: RequestFacts = {
    method: head.method,
    url: target.url,
    headers: head.headers,
    origin: visit.origin,
    listenAddress: visit.listenAddress,
  };
  const page = ownPage(facts, context);
  if (page !== undefined) return { kind: 'answer', answer: page, code: 'page' };
  try {
    return context.timeBox.run(() => judge(facts, context, visit.port));
  } catch (error) {
    if (!(error instanceof TimeBoxError)) throw error;
    return { kind: 'answer', answer: unsafePatternAnswer(), code: 'refused-time-box' };
  }
}

function judge(facts: RequestFacts, context: Context, port: number): Verdict {
  const { settings } = context.rules;
  const decision = decide(facts, context.rules);
  const route = chooseRoute(facts.url, settings.forwards, decision.actions);
  if (!permitted(settings.access, { host: facts.origin, port }, accessTarget(route, facts)))
    return { kind: 'drop' };
  const { verdict } = decision;
  switch (verdict.kind) {
    case 'block':
      return { kind: 'answer', code: 'blocked', answer: blockAnswer(verdict.reason, decision.actions) };
    case 'redirect':
      return { kind: 'answer', code: 'redirected', answer: redirectAnswer(verdict.location) };
    case 'port':
      return { kind: 'answer', code: 'blocked-port', answer: portAnswer() };
    case 'pass':
      if (route.kind === 'none' || (route.kind === 'i2p' && context.i2p === undefined))
        return { kind: 'answer', code: 'no-route', answer: noRouteAnswer() };
      return { kind: 'go', facts, decision, route };
  }
}

/** The answer to a head that is refused as it stands. */
export function faultAnswer(fault: RequestFault): Answer {
  switch (fault) {
    case 'invalid':
    case 'framing':
      return INVALID_HEADER;
    case 'line-too-long':
      return URI_TOO_LONG;
    case 'too-large':
      return TOO_LARGE;
  }
}

function targetOf({ method, target }: RequestHead, tunnelTo: string | undefined): ParsedTarget {
  if (method === 'CONNECT') return tunnelTo === undefined ? parseConnect(target) : { kind: 'malformed' };
  return tunnelTo === undefined ? parseAbsolute(target) : parseOrigin(target, tunnelTo);
}

function targetAnswer(kind: Exclude<ParsedTarget['kind'], 'url'>): Answer {
  switch (kind) {
    case 'ftp':
    case 'gopher':
      return unsupportedScheme(kind);
    case 'too-long':
      return URI_TOO_LONG;
    case 'malformed':
      return INVALID_HEADER;
  }
}

/** With a parent, Privoxy's lists mean the parent's address; a socket has none, a name fits no address. */
function accessTarget(route: Route, facts: RequestFacts): { host: string; port: number } | 'socket' {
  switch (route.kind) {
    case 'i2p':
      return 'socket';
    case 'http': {
      const first = route.socks?.endpoint ?? route.parent;
      return 'path' in first ? 'socket' : first;
    }
    case 'socks':
      return 'path' in route.socks.endpoint ? 'socket' : route.socks.endpoint;
    case 'loopback':
      return { host: route.host, port: facts.url.port };
    case 'none':
      return { host: facts.url.host, port: facts.url.port };
  }
}
