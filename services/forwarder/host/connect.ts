import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { splice } from '@allium/common/net/splice.ts';
import { type Answer, textAnswer } from '../pages/answer.ts';
import { requestHeaders } from '../rewrite/request-headers.ts';
import { pairsOf } from '../rules/raw-headers.ts';
import { isI2pHost } from '../rules/request-url.ts';
import { unsafePatternAnswer, upstreamAnswer } from './answers.ts';
import { type Context, tell } from './context.ts';
import { type Judgement, judgeRequest } from './judge.ts';
import { openTunnel } from './parent-tunnel.ts';
import { TimeBoxError } from './time-box.ts';
import { asUpstreamError } from './upstream-error.ts';
import { dialRoute } from './way.ts';
import { writeRawAnswer } from './write-answer.ts';

type Go = Extract<Judgement, { kind: 'go' }>;

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';
/** Milliseconds for the body of a parent's refusal to end. */
const REFUSAL_MS = 5_000;
/** Answers that say "not now" or "who are you" and are not remembered. */
const PASSING = new Set([407, 425, 429, 503]);

export interface ConnectRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** set inside a tunnel to port 80 */
  readonly tunnelTo: string | undefined;
  /** serves the socket as HTTP, for tunnels to port 80 of I2P */
  readonly serveInside: (socket: Duplex, authority: string) => void;
}

/** Serves CONNECT; never rejects. */
export async function serveConnect(connect: ConnectRequest, context: Context): Promise<void> {
  const { request, socket } = connect;
  socket.on('error', () => {});
  const judgement = judgeRequest(request, connect.tunnelTo, context);
  if (judgement.kind === 'drop') {
    tell(context, 'access-denied');
    socket.destroy();
    return;
  }
  if (judgement.kind === 'answer') {
    tell(context, judgement.code);
    writeRawAnswer(socket, judgement.answer);
    return;
  }
  const { url, origin } = judgement.facts;
  if (connect.head.length > 0) socket.unshift(connect.head);
  if (isI2pHost(url.host) && url.port === 80) {
    context.counters.add('connect-as-http');
    socket.write(ESTABLISHED);
    connect.serveInside(socket, url.authority.replace(/:80$/, ''));
    return;
  }
  if (context.refusedPorts.has(origin, `${url.host}:${url.port}`, context.now())) {
    context.counters.add('connect-refused-again');
    writeRawAnswer(socket, refusedAgain());
    return;
  }
  await tunnel(connect, judgement, context).catch((error: unknown) => {
    if (error instanceof TimeBoxError) writeRawAnswer(socket, unsafePatternAnswer());
    else failed(connect, judgement, asUpstreamError(error), context);
  });
}

function failed(
  connect: ConnectRequest,
  { facts }: Go,
  failure: ReturnType<typeof asUpstreamError>,
  context: Context,
): void {
  context.counters.add(`connect-${failure.code}`);
  if (failure.code === 'timeout') remember(facts, context);
  writeRawAnswer(connect.socket, upstreamAnswer(failure.detail));
}

function remember({ url, origin }: Go['facts'], context: Context): void {
  if (isI2pHost(url.host)) context.refusedPorts.add(origin, `${url.host}:${url.port}`, context.now());
}

function refusedAgain(): Answer {
  return textAnswer(
    502,
    'Nothing answers on this port',
    'Nothing answered on this port of the site a moment ago.',
  );
}

async function tunnel(connect: ConnectRequest, go: Go, context: Context): Promise<void> {
  const { socket } = connect;
  const { settings } = context.policy;
  const limits = {
    timeoutMs: settings.socketTimeoutMs,
    retries: settings.connectRetries,
    client: go.facts.origin,
  };
  const parent = await dialRoute(go.route, go.facts.url, limits);
  if (socket.destroyed) {
    parent.destroy();
    return;
  }
  socket.once('close', () => void parent.destroy());
  if (go.route.kind === 'http') {
    await throughParent(connect, go, parent, context);
    return;
  }
  context.counters.add('connect-open');
  socket.write(ESTABLISHED);
  await splice(socket, parent, settings.socketTimeoutMs);
}

/** The parent's answer is passed on as it is, a refusal with its body too. */
async function throughParent(
  { socket }: ConnectRequest,
  go: Go,
  parent: Awaited<ReturnType<typeof dialRoute>>,
  context: Context,
): Promise<void> {
  const { settings } = context.policy;
  const plan = {
    ...go.facts,
    framing: { kind: 'none' },
    toProxy: true,
    now: context.now(),
    random: context.random(),
  } as const;
  const headers = context.timeBox.run(() => requestHeaders(plan, go.decision.actions, context.policy));
  const { url } = go.facts;
  const { answer, stream } = await openTunnel({
    socket: parent,
    method: 'CONNECT',
    path: `${url.host.includes(':') ? `[${url.host}]` : url.host}:${url.port}`,
    headers,
    headBytes: context.limits.headBytes,
    timeoutMs: settings.socketTimeoutMs,
  });
  const status = answer.statusCode ?? 502;
  const lines = pairsOf(answer.rawHeaders).map((pair) => pair.join(': '));
  socket.write(
    `${[`HTTP/1.1 ${status} ${answer.statusMessage ?? ''}`, ...lines].join('\r\n')}\r\n\r\n`,
    'latin1',
  );
  const refused = status < 200 || status > 299;
  context.counters.add(refused ? 'connect-refused' : 'connect-open');
  if (refused && !PASSING.has(status)) remember(go.facts, context);
  if (refused) await passRefusal(socket, stream ?? parent);
  else await splice(socket, stream ?? parent, settings.socketTimeoutMs);
}

/** One way only: what the client sends behind a refused CONNECT must not reach the parent as another request. */
async function passRefusal(socket: Duplex, body: Duplex): Promise<void> {
  socket.resume();
  await pipeline(body, socket, { signal: AbortSignal.timeout(REFUSAL_MS) }).catch(() => {});
  body.destroy();
  socket.destroy();
}
