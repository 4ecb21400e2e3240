import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { splice } from '@allium/common/net/splice.ts';
import { type BodyFraming, bodyFraming } from '../../client/body-framing.ts';
import { badAnswerPage, dialErrorPage, malformedPage } from '../../client/error-pages.ts';
import { siteHostHeader } from '../../client/http-decision.ts';
import type { Page } from '../../client/pages.ts';
import { requestHeaders } from '../../client/request-headers.ts';
import type { HttpTarget } from '../../client/request-target.ts';
import { responseHeaders } from '../../client/response-headers.ts';
import type { StreamTarget } from '../../client/target.ts';
import { EarlyBytes } from './early-bytes.ts';
import { type Answer, Exchange } from './exchange.ts';
import type { HttpLimits } from './http-limits.ts';
import { dial, dialCode, type StreamDialer } from './stream-dialer.ts';
import { endSoon, endWithPage, formatHead, sendPage } from './write-page.ts';

export interface SiteContext {
  readonly dialer: StreamDialer;
  readonly limits: HttpLimits;
}

export interface Site {
  readonly url: HttpTarget;
  readonly target: StreamTarget;
}

/** One request over one stream. Resolves in every case, with the answer sent or the client's connection cut. */
export async function relayRequest(
  context: SiteContext,
  site: Site,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const framing = bodyFraming(req.rawHeaders);
  if (framing === undefined) {
    sendPage(res, malformedPage('The length of the request is ambiguous.'));
    return;
  }
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const exchange = await open(context, site, req, framing, gone.signal);
  if (!(exchange instanceof Exchange)) {
    sendPage(res, exchange);
    return;
  }
  let complete = false;
  try {
    const answer = await exchange.answer();
    complete = await sendResponse(exchange, answer, res);
  } catch {
    sendPage(res, exchange.idled ? dialErrorPage('timeout') : badAnswerPage());
  } finally {
    exchange.close(complete);
  }
}

async function sendResponse(exchange: Exchange, answer: Answer, res: ServerResponse): Promise<boolean> {
  const status = answer.message.statusCode ?? 0;
  // 101 without having been asked, and numbers that are no status.
  if (answer.kind === 'upgraded' || status < 200 || status > 599) throw new Error('not a response');
  const { headers, gunzip } = responseHeaders(answer.message.rawHeaders);
  res.writeHead(status, STATUS_CODES[status] ?? '', headers);
  const bodiless = res.req.method === 'HEAD' || status === 204 || status === 304;
  await exchange.deliver(answer.message, res, gunzip && !bodiless);
  return true;
}

/** A request that wants another protocol on its connection: the WebSocket handshake (RFC 6455 4). */
export async function relayUpgrade(
  context: SiteContext,
  site: Site,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const gone = new AbortController();
  const early = new EarlyBytes(socket, head, () => gone.abort());
  const upgrade = req.headers.upgrade ?? '';
  const exchange = await open(context, site, req, { kind: 'none' }, gone.signal, upgrade);
  if (!(exchange instanceof Exchange)) {
    endWithPage(socket, exchange);
    return;
  }
  try {
    const answer = await exchange.answer();
    if (answer.kind === 'response') return await sendRefusal(exchange, answer, socket);
    early.release();
    exchange.handOver();
    const { headers } = responseHeaders(answer.message.rawHeaders);
    socket.write(formatHead(101, [...headers, 'Connection', 'Upgrade', 'Upgrade', upgrade]));
    if (answer.head.length > 0) socket.write(answer.head);
    await splice(socket, exchange.stream, context.limits.idleMs);
  } catch {
    endWithPage(socket, exchange.idled ? dialErrorPage('timeout') : badAnswerPage());
  } finally {
    exchange.close(false);
  }
}

/** The site answered like any other page; the connection ends where the body does. */
async function sendRefusal(
  exchange: Exchange,
  answer: Extract<Answer, { kind: 'response' }>,
  socket: Duplex,
): Promise<void> {
  const { headers, gunzip } = responseHeaders(answer.message.rawHeaders);
  socket.write(formatHead(answer.message.statusCode ?? 502, [...headers, 'Connection', 'close']));
  await exchange.deliver(answer.message, socket, gunzip);
  endSoon(socket, new Uint8Array(0));
}

async function open(
  context: SiteContext,
  site: Site,
  req: IncomingMessage,
  framing: BodyFraming,
  signal: AbortSignal,
  upgrade?: string,
): Promise<Exchange | Page> {
  const { dialer, limits } = context;
  const method = req.method ?? 'GET';
  const { target, url } = site;
  const headers = requestHeaders({
    method,
    target: url,
    headers: req.rawHeaders,
    hostHeader: siteHostHeader(target),
    framing,
    ...(upgrade === undefined ? {} : { upgrade }),
  });
  const body = framing.kind === 'none' ? {} : { body: req };
  const { path } = url;
  const { idleMs, dialMs: deadlineMs } = limits;
  let exchange: Exchange | undefined;
  const begin = (stream: Duplex): Exchange => {
    exchange ??= new Exchange({ stream, method, path, headers, ...body, idleMs, signal });
    return exchange;
  };
  try {
    const stream = await dial({ dialer, target, port: url.port, deadlineMs, signal, begun: begin });
    const begun = begin(stream);
    begun.opened();
    return begun;
  } catch (error) {
    exchange?.close(false);
    return dialErrorPage(dialCode(error));
  }
}
