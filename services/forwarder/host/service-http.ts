import { headText } from '../http/encode.ts';
import { phraseOf } from '../http/phrases.ts';
import type { RequestFault, RequestHead } from '../http/request-head.ts';
import { serviceAnswerHeaders, serviceRequestHeaders } from '../i2p/server-headers.ts';
import { hasHeader } from '../rules/raw-headers.ts';
import { type Asked, ask } from './ask.ts';
import { deliver } from './deliver.ts';
import { dialEndpoint } from './dial.ts';
import { LOCAL_SERVICE_MS } from './limits.ts';
import type { Opened } from './outlet.ts';
import { bareAnswer, type ServiceVisit } from './service-visit.ts';
import type { Turn } from './turn.ts';
import { isWebSocket, switchProtocols } from './upgrade.ts';
import { asUpstreamError, UpstreamError } from './upstream-error.ts';
import type { Outcome } from './visit.ts';

type VisitorTurn = Turn<ServiceVisit>;

const FAULT_STATUS: Readonly<Record<RequestFault, number>> = {
  invalid: 400,
  framing: 400,
  'line-too-long': 414,
  'too-large': 431,
};

/** Leads one request of a visitor to the service, over a connection of its own; never rejects but for faults of ours. */
export async function serveVisitor(turn: VisitorTurn): Promise<Outcome> {
  const { asked } = turn;
  if (typeof asked === 'string') return turn.answer(bareAnswer(FAULT_STATUS[asked]));
  const refused = refusal(asked);
  if (refused !== undefined) return turn.answer(bareAnswer(refused));
  // The visitor is far: the service's own "100 Continue" would cost a round trip through tunnels.
  if (asked.expects === 'continue') turn.letSend();
  try {
    return await pass(turn, asked, await ask(turn, asked, requestText(turn, asked), () => open(turn)));
  } catch (error) {
    return failed(turn, error);
  }
}

/** Origin form only: a visitor has no business asking for other hosts through this service. */
function refusal({ method, target, minor, headers, expects }: RequestHead): number | undefined {
  if (method === 'CONNECT') return 405;
  if (!(target.startsWith('/') || target === '*')) return 400;
  // RFC 9112 3.2
  if (minor === 1 && !hasHeader(headers, 'host')) return 400;
  return expects === 'unknown' ? 417 : undefined;
}

function requestText({ visit }: VisitorTurn, head: RequestHead): string {
  const { hostHeader } = visit.service;
  const headers = serviceRequestHeaders({
    method: head.method,
    headers: head.headers,
    visitor: visit.visitor,
    framing: head.framing,
    ...(hostHeader === undefined ? {} : { host: hostHeader }),
    ...(isWebSocket(head) ? { upgrade: 'websocket' } : {}),
  });
  return headText(`${head.method} ${head.target} HTTP/1.1`, headers);
}

async function open({ visit }: VisitorTurn): Promise<Opened> {
  const bounds = { timeoutMs: LOCAL_SERVICE_MS };
  const dial = (signal: AbortSignal): ReturnType<typeof dialEndpoint> =>
    dialEndpoint({ path: visit.service.path }, { ...bounds, signal });
  const wire = await visit.link.open(dial).catch(() => {
    throw new UpstreamError({ code: 'connect' });
  });
  return { wire, used: false };
}

async function pass(turn: VisitorTurn, head: RequestHead, { parent, answer }: Asked): Promise<Outcome> {
  const { visit } = turn;
  const headers = serviceAnswerHeaders(answer.headers);
  // A phrase may tell one server from another.
  const plain = { ...answer, reason: phraseOf(answer.status) };
  const upgrade = isWebSocket(head);
  if (answer.status === 101) {
    if (!upgrade) throw new UpstreamError({ code: 'invalid' });
    return await switchProtocols(turn, parent, plain, headers);
  }
  visit.enter('answer', () => void turn.cut());
  // Whoever asked for another protocol may have begun to speak it.
  const { result, kept } = await deliver(turn, { parent, head: plain, headers, last: upgrade });
  if (result !== 'whole') return turn.cut();
  visit.link.drop();
  return kept ? 'next' : visit.finish();
}

function failed(turn: VisitorTurn, error: unknown): Outcome {
  turn.visit.link.drop();
  if (turn.bodyIsBad) return turn.answer(bareAnswer(400));
  if (error instanceof RangeError || error instanceof TypeError) throw error;
  const { code } = asUpstreamError(error);
  return turn.answer(bareAnswer(code === 'connect' ? 503 : code === 'timeout' ? 504 : 502));
}
