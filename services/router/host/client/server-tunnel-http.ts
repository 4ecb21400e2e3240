import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import { splice } from '@allium/common/net/splice.ts';
import { type BodyFraming, bodyFraming } from '../../client/body-framing.ts';
import { REQUEST_HEADERS_MAX } from '../../client/http-decision.ts';
import { REQUEST_TARGET_MAX } from '../../client/request-target.ts';
import { serverResponseHeaders } from '../../client/response-headers.ts';
import { type RemoteDestination, tunnelRequestHeaders } from '../../client/server-headers.ts';
import { EarlyBytes } from './early-bytes.ts';
import { Exchange } from './exchange.ts';
import { connectLocal } from './local-target.ts';
import { endSoon, formatHead } from './write-page.ts';

export interface LocalService {
  readonly target: ListenAddress;
  readonly hostHeader?: string;
  readonly idleMs: number;
}

/** One request of a visitor, over one connection to the local service. Resolves in every case. */
export async function serveRequest(
  service: LocalService,
  remote: RemoteDestination,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  res.sendDate = false;
  const framing = bodyFraming(req.rawHeaders);
  const fault = requestFault(req, framing);
  if (fault !== undefined || framing === undefined) {
    sendStatus(res, fault ?? 400);
    return;
  }
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const exchange = await open(service, remote, req, framing, gone.signal);
  if (exchange === undefined) {
    sendStatus(res, 503);
    return;
  }
  let complete = false;
  try {
    const { kind, message } = await exchange.answer();
    const status = message.statusCode ?? 0;
    if (kind === 'upgraded' || status < 200 || status > 599) throw new Error('not a response');
    res.writeHead(status, STATUS_CODES[status] ?? '', serverResponseHeaders(message.rawHeaders));
    await exchange.deliver(message, res, false);
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
  remote: RemoteDestination,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const gone = new AbortController();
  const early = new EarlyBytes(socket, head, () => gone.abort());
  const upgrade = req.headers.upgrade ?? '';
  const exchange =
    requestFault(req, { kind: 'none' }) === undefined
      ? await open(service, remote, req, { kind: 'none' }, gone.signal, upgrade)
      : undefined;
  if (exchange === undefined) {
    endSoon(socket, formatHead(503, ['Content-Length', '0', 'Connection', 'close']));
    return;
  }
  try {
    const answer = await exchange.answer();
    const headers = serverResponseHeaders(answer.message.rawHeaders);
    const status = answer.message.statusCode ?? 502;
    if (answer.kind === 'response') {
      socket.write(formatHead(status, [...headers, 'Connection', 'close']));
      await exchange.deliver(answer.message, socket, false);
      return;
    }
    early.release();
    exchange.handOver();
    socket.write(formatHead(101, [...headers, 'Connection', 'Upgrade', 'Upgrade', upgrade]));
    if (answer.head.length > 0) socket.write(answer.head);
    await splice(socket, exchange.stream, service.idleMs);
  } catch {
    endSoon(socket, formatHead(502, ['Content-Length', '0', 'Connection', 'close']));
  } finally {
    exchange.close(false);
  }
}

/** Origin form only: a visitor has no business asking for other hosts through this service. */
function requestFault(req: IncomingMessage, framing: BodyFraming | undefined): number | undefined {
  const url = req.url ?? '';
  if (framing === undefined || !(url.startsWith('/') || url === '*')) return 400;
  if (url.length > REQUEST_TARGET_MAX) return 414;
  return req.rawHeaders.length > 2 * REQUEST_HEADERS_MAX ? 431 : undefined;
}

async function open(
  service: LocalService,
  remote: RemoteDestination,
  req: IncomingMessage,
  framing: BodyFraming,
  signal: AbortSignal,
  upgrade?: string,
): Promise<Exchange | undefined> {
  const method = req.method ?? 'GET';
  const headers = tunnelRequestHeaders({
    method,
    headers: req.rawHeaders,
    remote,
    framing,
    ...(service.hostHeader === undefined ? {} : { host: service.hostHeader }),
    ...(upgrade === undefined ? {} : { upgrade }),
  });
  let stream: Duplex | undefined;
  try {
    stream = await connectLocal(service.target, signal);
    const body = framing.kind === 'none' ? {} : { body: req };
    const path = req.url ?? '/';
    return new Exchange({ stream, method, path, headers, ...body, idleMs: service.idleMs, signal });
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
