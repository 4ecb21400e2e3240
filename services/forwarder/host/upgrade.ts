import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { splice } from '@allium/common/net/splice.ts';
import { framingOf } from '../rewrite/framing.ts';
import { requestHeaders } from '../rewrite/request-headers.ts';
import { responseHeaders } from '../rewrite/response-headers.ts';
import { pairsOf, tokensOf, valuesOf } from '../rules/raw-headers.ts';
import { unsafePatternAnswer, upstreamAnswer } from './answers.ts';
import type { ClientLink } from './client-link.ts';
import { type Context, tell } from './context.ts';
import { targetFor } from './exchange.ts';
import { type Judgement, judgeRequest } from './judge.ts';
import { openTunnel } from './parent-tunnel.ts';
import { TimeBoxError } from './time-box.ts';
import { asUpstreamError } from './upstream-error.ts';
import { dialRoute } from './way.ts';
import { writeRawAnswer } from './write-answer.ts';

type Go = Extract<Judgement, { kind: 'go' }>;

/** A WebSocket handshake (RFC 6455 4.1). Any other upgrade is answered as if it had not been asked for. */
export function isWebSocket(request: IncomingMessage): boolean {
  const wanted = valuesOf(request.rawHeaders, 'upgrade');
  return (
    request.method === 'GET' &&
    request.httpVersion === '1.1' &&
    wanted.length === 1 &&
    wanted[0]?.toLowerCase() === 'websocket' &&
    tokensOf(request.rawHeaders, 'connection').includes('upgrade') &&
    framingOf(request.rawHeaders)?.kind === 'none'
  );
}

export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly link: ClientLink;
}

/** Serves a WebSocket handshake and what follows; never rejects. */
export async function serveUpgrade(upgrade: UpgradeRequest, context: Context): Promise<void> {
  const { socket } = upgrade;
  socket.on('error', () => {});
  const judgement = judgeRequest(upgrade.request, upgrade.link.tunnelTo, context);
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
  let parent: Socket | undefined;
  try {
    const { settings } = context.policy;
    const limits = {
      timeoutMs: settings.socketTimeoutMs,
      retries: settings.connectRetries,
      client: judgement.facts.origin,
    };
    parent = await dialRoute(judgement.route, judgement.facts.url, limits);
    await pass(upgrade, judgement, parent, context);
  } catch (error) {
    parent?.destroy();
    const failure = asUpstreamError(error);
    context.counters.add(`upgrade-${failure.code}`);
    const answer = error instanceof TimeBoxError ? unsafePatternAnswer() : upstreamAnswer(failure.detail);
    writeRawAnswer(socket, answer);
  }
}

async function pass(upgrade: UpgradeRequest, go: Go, parent: Socket, context: Context): Promise<void> {
  const { socket, head } = upgrade;
  const { settings } = context.policy;
  socket.once('close', () => void parent.destroy());
  const plan = {
    ...go.facts,
    framing: { kind: 'none' },
    toProxy: go.route.kind === 'http',
    connection: 'Upgrade',
    upgrade: 'websocket',
    now: context.now(),
    random: context.random(),
  } as const;
  const headers = context.timeBox.run(() => requestHeaders(plan, go.decision.actions, context.policy));
  const { answer, stream } = await openTunnel({
    socket: parent,
    method: 'GET',
    path: targetFor(go.route, go.facts.url),
    headers,
    headBytes: context.limits.headBytes,
    timeoutMs: settings.socketTimeoutMs,
  });
  const response = {
    request: go.facts,
    headers: answer.rawHeaders,
    now: context.now(),
    random: context.random(),
  };
  const kept = context.timeBox.run(() => responseHeaders(response, go.decision.actions, context.policy));
  const switched = stream !== undefined;
  const lines = pairsOf(kept).map((pair) => pair.join(': '));
  lines.push(...(switched ? ['Connection: Upgrade', 'Upgrade: websocket'] : ['Connection: close']));
  const status = `HTTP/1.1 ${answer.statusCode ?? 502} ${answer.statusMessage ?? ''}`;
  socket.write(`${[status, ...lines].join('\r\n')}\r\n\r\n`, 'latin1');
  context.counters.add(switched ? 'upgraded' : 'upgrade-refused');
  if (!switched) {
    // The body is passed without its own framing: the connection ends where it ends.
    answer.pipe(socket);
    return;
  }
  if (head.length > 0) socket.unshift(head);
  await splice(socket, stream, settings.socketTimeoutMs);
}
