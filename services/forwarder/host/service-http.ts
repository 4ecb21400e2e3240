import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { splice } from '@allium/common/net/splice.ts';
import { type Framing, requestFraming } from '../http/framing.ts';
import { METHODS } from '../http/methods.ts';
import { serviceAnswerHeaders, serviceRequestHeaders, type Visitor } from '../i2p/server-headers.ts';
import { pairsOf, type RawHeaders, tokensOf, valuesOf } from '../rules/raw-headers.ts';
import { REQUEST_TARGET_MAX } from '../rules/request-url.ts';
import { dialEndpoint } from './dial.ts';
import { linger } from './linger.ts';
import { EarlyBytes } from './service-early-bytes.ts';
import { ServiceExchange } from './service-exchange.ts';

/** Header lines of one request. */
const REQUEST_HEADERS_MAX = 100;
/** Milliseconds to reach a service on this machine. */
const CONNECT_MS = 5_000;

export interface LocalService {
  /** of its Unix socket */
  readonly path: string;
  readonly hostHeader?: string;
  /** of a request, and of what a WebSocket has become */
  readonly idleMs: number;
  readonly tunnelIdleMs: number;
}

/** One request of a visitor, over one connection to the local service. Resolves in every case. */
export async function serveRequest(
  service: LocalService,
  visitor: Visitor,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  res.sendDate = false;
  const framing = framingOf(req);
  const fault = requestFault(req, framing);
  if (fault !== undefined || framing === undefined) {
    sendStatus(res, fault ?? 400);
    return;
  }
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const exchange = await open(service, visitor, req, framing, gone.signal);
  if (exchange === undefined) {
    sendStatus(res, 503);
    return;
  }
  let complete = false;
  try {
    const { kind, message } = await exchange.answer();
    const status = message.statusCode ?? 0;
    if (kind === 'upgraded' || status < 200 || status > 599) throw new Error('not a response');
    res.writeHead(status, STATUS_CODES[status] ?? '', serviceAnswerHeaders(message.rawHeaders));
    await exchange.deliver(message, res);
    complete = true;
  } catch {
    sendStatus(res, exchange.idled ? 504 : 502);
  } finally {
    exchange.close(complete);
  }
}

/** The WebSocket handshake, and what follows it. Resolves in every case. */
export async function serveUpgrade(
  service: LocalService,
  visitor: Visitor,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const gone = new AbortController();
  const early = new EarlyBytes(socket, head, () => gone.abort());
  const upgrade = req.headers.upgrade ?? '';
  const exchange =
    requestFault(req, { kind: 'none' }) === undefined
      ? await open(service, visitor, req, { kind: 'none' }, gone.signal, upgrade)
      : undefined;
  if (exchange === undefined) {
    linger(socket, formatHead(503, ['Content-Length', '0', 'Connection', 'close']));
    return;
  }
  try {
    const answer = await exchange.answer();
    const headers = serviceAnswerHeaders(answer.message.rawHeaders);
    const status = answer.message.statusCode ?? 502;
    if (answer.kind === 'response') {
      socket.write(formatHead(status, [...headers, 'Connection', 'close']));
      await exchange.deliver(answer.message, socket);
      return;
    }
    early.release();
    exchange.handOver();
    socket.write(formatHead(101, [...headers, 'Connection', 'Upgrade', 'Upgrade', upgrade]));
    if (answer.head.length > 0) socket.write(answer.head);
    await splice(socket, exchange.stream, service.tunnelIdleMs);
  } catch {
    linger(socket, formatHead(502, ['Content-Length', '0', 'Connection', 'close']));
  } finally {
    exchange.close(false);
  }
}

function framingOf({ rawHeaders, httpVersion }: IncomingMessage): Framing | undefined {
  const coded = valuesOf(rawHeaders, 'transfer-encoding').length > 0;
  const codings = coded ? tokensOf(rawHeaders, 'transfer-encoding') : undefined;
  return requestFraming(
    { lengths: valuesOf(rawHeaders, 'content-length'), codings },
    httpVersion === '1.0' ? 0 : 1,
  );
}

/** Origin form only: a visitor has no business asking for other hosts through this service. */
function requestFault(req: IncomingMessage, framing: Framing | undefined): number | undefined {
  const url = req.url ?? '';
  if (framing === undefined || !(url.startsWith('/') || url === '*')) return 400;
  if (!METHODS.has(req.method ?? '')) return 400;
  if (url.length > REQUEST_TARGET_MAX) return 414;
  return req.rawHeaders.length > 2 * REQUEST_HEADERS_MAX ? 431 : undefined;
}

async function open(
  service: LocalService,
  visitor: Visitor,
  req: IncomingMessage,
  framing: Framing,
  signal: AbortSignal,
  upgrade?: string,
): Promise<ServiceExchange | undefined> {
  const method = req.method ?? 'GET';
  const headers = serviceRequestHeaders({
    method,
    headers: req.rawHeaders,
    visitor,
    framing,
    ...(service.hostHeader === undefined ? {} : { host: service.hostHeader }),
    ...(upgrade === undefined ? {} : { upgrade }),
  });
  let stream: Duplex | undefined;
  try {
    stream = await dialEndpoint({ path: service.path }, { timeoutMs: CONNECT_MS });
    stream.on('error', () => {});
    if (signal.aborted) throw new Error('the visitor left');
    const body = framing.kind === 'none' ? {} : { body: req };
    const path = req.url ?? '/';
    return new ServiceExchange({ stream, method, path, headers, ...body, idleMs: service.idleMs, signal });
  } catch {
    stream?.destroy();
    return undefined;
  }
}

/** Says nothing about the machine behind the tunnel. */
function sendStatus(res: ServerResponse, status: number): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  res.writeHead(status, STATUS_CODES[status] ?? '', ['Content-Length', '0', 'Connection', 'close']).end();
}

/** Status line and headers as bytes. The values come from node:http's parser or from us: neither holds a line end. */
function formatHead(status: number, headers: RawHeaders): Buffer {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (const [name, value] of pairsOf(headers)) text += `${name}: ${value}\r\n`;
  return Buffer.from(`${text}\r\n`, 'latin1');
}
