import type { IncomingMessage } from 'node:http';
import { plainAddress } from '@allium/common/net/client-counts.ts';
import type { Answer } from '../pages/answer.ts';
import { chooseRoute, type Route } from '../route/choose.ts';
import { permitted } from '../rules/access.ts';
import { type Decision, decide, type RequestFacts } from '../rules/decide.ts';
import { valuesOf } from '../rules/raw-headers.ts';
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
import type { Context } from './context.ts';
import { ownPage } from './own-pages.ts';
import { TimeBoxError } from './time-box.ts';
import type { OpenRoute } from './way.ts';

/** Methods that Privoxy knows and Node's parser too. */
const METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PATCH'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'SEARCH', 'REPORT', 'MERGE'],
  ...['CHECKOUT', 'MKACTIVITY', 'SUBSCRIBE', 'UNSUBSCRIBE', 'NOTIFY'],
]);

export type Judgement =
  | { readonly kind: 'answer'; readonly answer: Answer; readonly code: string }
  /** the access list forbids it: the connection is dropped without a word */
  | { readonly kind: 'drop' }
  | {
      readonly kind: 'go';
      readonly facts: RequestFacts;
      readonly decision: Decision;
      readonly route: OpenRoute;
    };

/** Everything that is decided before a parent is asked. `tunnelTo` is set inside a tunnel to port 80. */
export function judgeRequest(
  request: IncomingMessage,
  tunnelTo: string | undefined,
  context: Context,
): Judgement {
  const refused = headFault(request, context);
  if (refused !== undefined) return refused;
  const target = targetOf(request, tunnelTo);
  if (target.kind !== 'url')
    return { kind: 'answer', code: `refused-${target.kind}`, answer: targetAnswer(target.kind) };
  const facts: RequestFacts = {
    method: request.method ?? 'GET',
    url: target.url,
    headers: request.rawHeaders,
    origin: plainAddress(request.socket.remoteAddress),
    listenAddress: plainAddress(request.socket.localAddress),
  };
  const page = ownPage(facts, context);
  if (page !== undefined) return { kind: 'answer', answer: page, code: 'page' };
  try {
    return context.timeBox.run(() => judgeFacts(facts, context, request.socket.remotePort ?? 0));
  } catch (error) {
    if (!(error instanceof TimeBoxError)) throw error;
    return { kind: 'answer', answer: unsafePatternAnswer(), code: 'refused-time-box' };
  }
}

function judgeFacts(facts: RequestFacts, context: Context, port: number): Judgement {
  const { settings } = context.policy;
  const decision = decide(facts, context.policy);
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
      if (route.kind === 'none') return { kind: 'answer', code: 'no-route', answer: noRouteAnswer() };
      return { kind: 'go', facts, decision, route };
  }
}

/** Faults that node:http lets through. */
function headFault(request: IncomingMessage, { limits }: Context): Judgement | undefined {
  const invalid = { kind: 'answer', code: 'refused-head', answer: INVALID_HEADER } as const;
  if (request.httpVersion !== '1.1' && request.httpVersion !== '1.0') return invalid;
  if (!METHODS.has(request.method ?? '')) return invalid;
  if (valuesOf(request.rawHeaders, 'host').length > 1) return invalid;
  if (request.rawHeaders.length > 2 * limits.headers) {
    return { kind: 'answer', code: 'refused-headers', answer: TOO_LARGE };
  }
  return undefined;
}

function targetOf(request: IncomingMessage, tunnelTo: string | undefined): ParsedTarget {
  const target = request.url ?? '';
  if (request.method === 'CONNECT')
    return tunnelTo === undefined ? parseConnect(target) : { kind: 'malformed' };
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
