import {
  type ClientRequest,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type Framing, framingOf } from '../rewrite/framing.ts';
import { type RequestPlan, requestHeaders } from '../rewrite/request-headers.ts';
import { responseHeaders } from '../rewrite/response-headers.ts';
import { tokensOf, valuesOf } from '../rules/raw-headers.ts';
import { absoluteUrl, type RequestUrl } from '../rules/request-url.ts';
import {
  EXPECTATION,
  INVALID_HEADER,
  NOT_IMPLEMENTED,
  unsafePatternAnswer,
  upstreamAnswer,
} from './answers.ts';
import type { ClientLink } from './client-link.ts';
import { type Context, tell } from './context.ts';
import { type Judgement, judgeRequest } from './judge.ts';
import { TimeBoxError } from './time-box.ts';
import { asUpstreamError, UpstreamError } from './upstream-error.ts';
import type { OpenRoute } from './way.ts';
import { connectionHeaders, writeAnswer } from './write-answer.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly link: ClientLink;
  /** the client waits for "100 Continue" */
  readonly expects: boolean;
}

type Go = Extract<Judgement, { kind: 'go' }>;

/** Serves one request, whatever happens; never rejects. */
export async function serveExchange(exchange: Exchange, context: Context): Promise<void> {
  const { request, response, link } = exchange;
  response.sendDate = false;
  const judgement = judgeRequest(request, link.tunnelTo, context);
  const framing = framingOf(request.rawHeaders);
  if (judgement.kind === 'drop') {
    tell(context, 'access-denied');
    request.socket.destroy();
  } else if (judgement.kind === 'answer') {
    tell(context, judgement.code);
    answerUnread(exchange, judgement.answer, context);
  } else if (framing === undefined) {
    tell(context, 'refused-framing');
    answerUnread(exchange, INVALID_HEADER, context);
  } else if (endsHere(judgement, request)) {
    answerUnread(exchange, NOT_IMPLEMENTED, context);
  } else {
    await forwardExchange(exchange, judgement, framing, context);
  }
}

/** 417: only "100-continue" is understood. */
export function refuseExpectation(response: ServerResponse, context: Context): void {
  context.counters.add('refused-expectation');
  writeAnswer(response, EXPECTATION, false);
}

/** RFC 9110 7.6.2: the hop count is used up; the recipient is this proxy, which has nothing to say. */
function endsHere({ facts }: Go, request: IncomingMessage): boolean {
  if (facts.method !== 'TRACE' && facts.method !== 'OPTIONS') return false;
  return valuesOf(request.rawHeaders, 'max-forwards').some((value) => /^0+$/.test(value.trim()));
}

/** A connection with an unread body behind the answer can't be used again. */
function answerUnread(exchange: Exchange, answer: Parameters<typeof writeAnswer>[1], context: Context): void {
  const { request, response } = exchange;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const unread = !request.complete && framingOf(request.rawHeaders)?.kind !== 'none';
  writeAnswer(response, answer, keepsClient(exchange, context) && !unread && !exchange.expects);
  request.resume();
}

async function forwardExchange(
  exchange: Exchange,
  go: Go,
  framing: Framing,
  context: Context,
): Promise<void> {
  const { request, response } = exchange;
  let upstream: ClientRequest | undefined;
  try {
    const plan = requestPlan(exchange, go, framing, context);
    const headers = context.timeBox.run(() => requestHeaders(plan, go.decision.actions, context.policy));
    await delay(go.decision.actions.value('delay-response'));
    for (let answer: IncomingMessage | undefined; answer === undefined; ) {
      upstream = ask(exchange, go, headers, context);
      sendBody(exchange, upstream, framing).catch(() => {});
      answer = await headOf(upstream, context.policy.settings.socketTimeoutMs).catch((error: unknown) => {
        if (upstream?.reusedSocket !== true || framing.kind !== 'none') throw error;
        // The parent closed an idle connection just when it was used again: once more on a new one.
        context.counters.add('upstream-stale');
        return undefined;
      });
      if (answer === undefined) continue;
      context.counters.add('forwarded');
      await passAnswer(exchange, go, answer, context);
      // A parent that answers before it has read the body is done with it.
      if (!request.complete) upstream.destroy();
    }
  } catch (error) {
    upstream?.destroy();
    if (response.destroyed) return;
    if (error instanceof TimeBoxError) {
      tell(context, 'refused-time-box');
      answerUnread(exchange, unsafePatternAnswer(), context);
      return;
    }
    const failure = asUpstreamError(error);
    tell(context, `upstream-${failure.code}`);
    answerUnread(exchange, upstreamAnswer(failure.detail), context);
  }
}

function requestPlan({ request }: Exchange, go: Go, framing: Framing, context: Context): RequestPlan {
  const said = tokensOf(request.rawHeaders, 'connection');
  const close =
    said.includes('close') ||
    context.policy.settings.serverKeepAliveMs === 0 ||
    (request.httpVersion === '1.0' && !said.includes('keep-alive'));
  return {
    ...go.facts,
    framing,
    toProxy: go.route.kind === 'http',
    ...(close ? { connection: 'close' } : said.length > 0 ? { connection: 'keep-alive' } : {}),
    now: context.now(),
    random: context.random(),
  };
}

/** Absolute form to a proxy; origin form to a site. */
export function targetFor(route: OpenRoute, url: RequestUrl): string {
  return route.kind === 'http' ? absoluteUrl(url) : url.path;
}

function ask(exchange: Exchange, go: Go, headers: string[], context: Context): ClientRequest {
  const { settings } = context.policy;
  const limits = {
    timeoutMs: settings.socketTimeoutMs,
    retries: settings.connectRetries,
    client: go.facts.origin,
  };
  const upstream = openRequest({
    agent: exchange.link.agentFor(go.route, go.facts.url, limits, settings.serverKeepAliveMs),
    method: go.facts.method,
    path: targetFor(go.route, go.facts.url),
    headers,
    setDefaultHeaders: false,
    setHost: false,
    maxHeaderSize: context.limits.headBytes,
  });
  upstream.on('continue', () => exchange.response.writeContinue());
  exchange.response.once('close', () => {
    if (!exchange.response.writableFinished) upstream.destroy();
  });
  return upstream;
}

/** Streams the body; resolves when it is sent or of no more use, and never rejects: the answer tells. */
async function sendBody({ request }: Exchange, upstream: ClientRequest, framing: Framing): Promise<void> {
  if (framing.kind === 'none') {
    upstream.end();
    return;
  }
  upstream.flushHeaders();
  await pipeline(request, upstream).catch((error: unknown) => void upstream.destroy(error as Error));
}

function headOf(upstream: ClientRequest, timeoutMs: number): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const late = (): void => void upstream.destroy(new UpstreamError({ code: 'timeout' }));
  upstream.setTimeout(timeoutMs, late);
  upstream.once('response', resolve);
  upstream.on('error', reject);
  upstream.once('upgrade', (_answer, socket) => {
    socket.destroy();
    reject(new UpstreamError({ code: 'invalid' }));
  });
  upstream.once('close', () => reject(new UpstreamError({ code: 'closed' })));
  return promise;
}

async function passAnswer(
  exchange: Exchange,
  go: Go,
  answer: IncomingMessage,
  context: Context,
): Promise<void> {
  const { response } = exchange;
  answer.on('error', () => {});
  const codings = tokensOf(answer.rawHeaders, 'transfer-encoding');
  if (
    answer.rawHeaders.length > 2 * context.limits.headers ||
    codings.some((coding) => coding !== 'chunked')
  ) {
    throw new UpstreamError({ code: 'invalid' });
  }
  const plan = {
    request: go.facts,
    headers: answer.rawHeaders,
    now: context.now(),
    random: context.random(),
  };
  const headers = context.timeBox.run(() => responseHeaders(plan, go.decision.actions, context.policy));
  // HTTP/1.0 knows no chunks: without a length the answer ends with the connection.
  const endIsKnown = exchange.request.httpVersion === '1.1' || valuesOf(headers, 'content-length').length > 0;
  const keep = keepsClient(exchange, context) && exchange.request.complete && !exchange.expects && endIsKnown;
  response.shouldKeepAlive = keep;
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, [
    ...headers,
    ...connectionHeaders(keep),
  ]);
  response.flushHeaders();
  try {
    await pipeline(answer, response);
  } catch {
    // The head is out: only a broken connection can say that the rest is missing.
    response.destroy();
  }
}

/** Longest `delay-response`, in milliseconds. */
const DELAY_MAX_MS = 60_000;

async function delay(value: string | undefined): Promise<void> {
  if (value === undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, Math.min(Number(value), DELAY_MAX_MS));
  await promise;
}

function keepsClient({ request, link }: Exchange, { policy }: Context): boolean {
  if (policy.settings.keepAliveMs === 0 || link.closing) return false;
  const said = tokensOf(request.rawHeaders, 'connection');
  if (said.includes('close')) return false;
  return request.httpVersion === '1.1' || said.includes('keep-alive');
}
