import type { AnswerHead } from '../http/answer-head.ts';
import { headText } from '../http/encode.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { SiteAnswerHead } from '../i2p/response-headers.ts';
import { badAnswerPage } from '../i2p/site-pages.ts';
import type { Answer } from '../pages/answer.ts';
import { type RequestPlan, requestHeaders } from '../rewrite/request-headers.ts';
import { responseHeaders } from '../rewrite/response-headers.ts';
import { valuesOf } from '../rules/raw-headers.ts';
import type { Go } from './admit.ts';
import { INVALID_HEADER, NOT_IMPLEMENTED, unsafePatternAnswer, upstreamAnswer } from './answers.ts';
import { ask } from './ask.ts';
import { chooseOutlet } from './choose-outlet.ts';
import { tell } from './context.ts';
import { deliver } from './deliver.ts';
import { streamErrorPage } from './i2p-sites.ts';
import type { Outlet } from './outlet.ts';
import { TimeBoxError } from './time-box.ts';
import type { ClientTurn } from './turn.ts';
import { isWebSocket, switchProtocols } from './upgrade.ts';
import { asUpstreamError, UpstreamError } from './upstream-error.ts';
import type { Outcome } from './visit.ts';
import type { Wire } from './wire.ts';

interface Exchange {
  readonly turn: ClientTurn;
  readonly head: RequestHead;
  readonly go: Go;
  readonly outlet: Outlet;
  /** the protocol that the client wants instead: only ever `websocket` */
  readonly upgrade: string | undefined;
}

/** Forwards a request and its answer; never rejects. */
export async function serveExchange(turn: ClientTurn, head: RequestHead, go: Go): Promise<Outcome> {
  if (endsHere(go)) return turn.answer(NOT_IMPLEMENTED);
  try {
    const chosen = await chooseOutlet(turn, go);
    if (chosen.kind === 'answer') {
      tell(turn.visit.context, 'i2p-page');
      return turn.answer(chosen.answer);
    }
    // A site is far: its "100 Continue" would cost a round trip through tunnels.
    if (chosen.site && head.expects === 'continue') turn.letSend();
    const upgrade = isWebSocket(head) ? 'websocket' : undefined;
    return await forward({ turn, head, go, outlet: chosen.outlet, upgrade });
  } catch (error) {
    return failed(turn, go, error);
  }
}

async function forward(exchange: Exchange): Promise<Outcome> {
  const { turn, head, go, outlet, upgrade } = exchange;
  const headers = outlet.headers(sentHeaders(exchange), upgrade);
  await delay(turn, go.decision.actions.value('delay-response'));
  const text = headText(`${head.method} ${outlet.path} HTTP/1.1`, headers);
  const { parent, answer } = await ask(turn, head, text, outlet.open);
  const finished = outlet.finishHead(answer.headers);
  const received = receivedHeaders(exchange, finished);
  if (answer.status !== 101) {
    turn.visit.context.counters.add('forwarded');
    return await passAnswer(exchange, parent, answer, { headers: received, gunzip: finished.gunzip });
  }
  if (upgrade === undefined) throw new UpstreamError({ code: 'invalid' });
  turn.visit.context.counters.add('upgraded');
  return await switchProtocols(turn, parent, answer, received);
}

/** RFC 9110 7.6.2: the hop count is used up; the recipient is this proxy, which has nothing to say. */
function endsHere({ facts }: Go): boolean {
  if (facts.method !== 'TRACE' && facts.method !== 'OPTIONS') return false;
  return valuesOf(facts.headers, 'max-forwards').some((value) => /^0+$/.test(value.trim()));
}

function failed(turn: ClientTurn, go: Go, error: unknown): Outcome {
  turn.visit.link.drop();
  if (turn.wire.gone || turn.answered) return turn.cut();
  if (turn.bodyIsBad) {
    tell(turn.visit.context, 'refused-body');
    return turn.answer(INVALID_HEADER);
  }
  if (error instanceof TimeBoxError) {
    tell(turn.visit.context, 'refused-time-box');
    return turn.answer(unsafePatternAnswer());
  }
  if (error instanceof RangeError || error instanceof TypeError) throw error;
  tell(turn.visit.context, `upstream-${asUpstreamError(error).code}`);
  return turn.answer(failureAnswer(go, error));
}

/** The page for what went wrong on the way. */
function failureAnswer({ route }: Go, error: unknown): Answer {
  const failure = asUpstreamError(error);
  const wrong = failure.code === 'closed' || failure.code === 'invalid';
  return (
    streamErrorPage(error) ??
    (route.kind === 'i2p' && wrong ? badAnswerPage() : upstreamAnswer(failure.detail))
  );
}

function sentHeaders({ turn, head, go, outlet, upgrade }: Exchange): string[] {
  const { context } = turn.visit;
  const said = head.connection;
  const close =
    said.includes('close') ||
    context.rules.settings.serverKeepAliveMs === 0 ||
    (head.minor === 0 && !said.includes('keep-alive'));
  const connection = close ? 'close' : said.length > 0 ? 'keep-alive' : undefined;
  const plan: RequestPlan = {
    ...go.facts,
    framing: head.framing,
    toProxy: outlet.toProxy,
    ...(upgrade !== undefined ? { connection: 'Upgrade', upgrade } : connection && { connection }),
    now: context.now(),
    random: context.random(),
  };
  return context.timeBox.run(() => requestHeaders(plan, go.decision.actions, context.rules));
}

async function passAnswer(
  { turn, outlet, upgrade }: Exchange,
  parent: Wire,
  head: AnswerHead,
  { headers, gunzip }: SiteAnswerHead,
): Promise<Outcome> {
  const { visit } = turn;
  visit.enter('answer', () => void turn.cut());
  // Whoever asked for another protocol may have begun to speak it.
  const last = upgrade !== undefined;
  const { result, kept } = await deliver(turn, { parent, head, headers, last, gunzip });
  if (result !== 'whole') return turn.cut();
  // A parent that answers before it has read the body is done with it.
  outlet.done(head.keep && turn.bodyRead);
  return kept ? 'next' : visit.finish();
}

function receivedHeaders({ turn, go }: Exchange, { headers }: SiteAnswerHead): string[] {
  const { context } = turn.visit;
  const plan = { request: go.facts, headers, now: context.now(), random: context.random() };
  return context.timeBox.run(() => responseHeaders(plan, go.decision.actions, context.rules));
}

/** Longest `delay-response`, in milliseconds. */
const DELAY_MAX_MS = 60_000;

async function delay(turn: ClientTurn, value: string | undefined): Promise<void> {
  if (value === undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.min(Number(value), DELAY_MAX_MS));
  const gone = turn.wire.onGone;
  turn.wire.onGone = () => {
    clearTimeout(timer);
    gone?.();
    resolve();
  };
  await promise;
  turn.wire.onGone = gone;
  if (turn.wire.gone) throw new UpstreamError({ code: 'closed' });
}
