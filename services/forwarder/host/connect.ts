import type { AnswerHead } from '../http/answer-head.ts';
import { headText } from '../http/encode.ts';
import type { RequestHead } from '../http/request-head.ts';
import { type Answer, textAnswer } from '../pages/answer.ts';
import { requestHeaders } from '../rewrite/request-headers.ts';
import { isI2pHost } from '../rules/request-url.ts';
import type { Go } from './admit.ts';
import { unsafePatternAnswer, upstreamAnswer } from './answers.ts';
import { deliver } from './deliver.ts';
import { parentAnswer } from './parent-answer.ts';
import { tunnelToSite } from './site-tunnel.ts';
import { TimeBoxError } from './time-box.ts';
import type { ClientTurn } from './turn.ts';
import { join } from './upgrade.ts';
import { asUpstreamError, UpstreamError } from './upstream-error.ts';
import type { Outcome } from './visit.ts';
import { dialRoute, type OpenRoute } from './way.ts';
import type { Wire } from './wire.ts';

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';
/** Milliseconds for the body of a parent's refusal to end. */
const REFUSAL_MS = 5_000;
/** Answers that say "not now" or "who are you" and are not remembered. */
const PASSING = new Set([407, 425, 429, 503]);
/** Headers of the connection to the parent, and how the body is delimited there. */
const NOT_PASSED = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** Serves CONNECT; never rejects. */
export async function serveConnect(turn: ClientTurn, head: RequestHead, go: Go): Promise<Outcome> {
  const { visit, wire } = turn;
  const { context } = visit;
  const { url, origin } = go.facts;
  visit.expectSilence();
  if (isI2pHost(url.host) && url.port === 80) {
    context.counters.add('connect-as-http');
    wire.write(ESTABLISHED);
    visit.enterTunnel(url.authority.replace(/:80$/, ''));
    return 'next';
  }
  if (context.refusedPorts.has(origin, `${url.host}:${url.port}`, context.now())) {
    context.counters.add('connect-refused-again');
    return end(turn, refusedAgain());
  }
  if (go.route.kind === 'i2p') {
    visit.enter('off');
    await tunnelToSite(wire.release(), go.facts, context);
    return 'end';
  }
  try {
    return await tunnel(turn, head, go, go.route);
  } catch (error) {
    return failed(turn, go, error);
  }
}

async function tunnel(turn: ClientTurn, head: RequestHead, go: Go, route: OpenRoute): Promise<Outcome> {
  const { visit, wire } = turn;
  const { context } = visit;
  const { settings } = context.rules;
  const limits = {
    timeoutMs: settings.socketTimeoutMs,
    retries: settings.connectRetries,
    client: go.facts.origin,
  };
  const parent = await visit.link.open((signal) => dialRoute(route, go.facts.url, { ...limits, signal }));
  if (route.kind === 'http') return await throughParent(turn, head, go, parent);
  context.counters.add('connect-open');
  turn.answered = true;
  wire.write(ESTABLISHED);
  await join(turn, parent);
  return 'end';
}

function failed(turn: ClientTurn, { facts }: Go, error: unknown): Outcome {
  turn.visit.link.drop();
  if (turn.wire.gone || turn.answered) return turn.cut();
  if (error instanceof TimeBoxError) return end(turn, unsafePatternAnswer());
  if (error instanceof RangeError) throw error;
  const failure = asUpstreamError(error);
  turn.visit.context.counters.add(`connect-${failure.code}`);
  if (failure.code === 'timeout') remember(turn, facts);
  return end(turn, upstreamAnswer(failure.detail));
}

/** What comes behind a refused CONNECT was meant for a tunnel and is no request. */
function end(turn: ClientTurn, answer: Answer): Outcome {
  return turn.answer({ ...answer, close: true });
}

function remember({ visit: { context } }: ClientTurn, { url, origin }: Go['facts']): void {
  if (isI2pHost(url.host)) context.refusedPorts.add(origin, `${url.host}:${url.port}`, context.now());
}

function refusedAgain(): Answer {
  return textAnswer(
    502,
    'Nothing answers on this port',
    'Nothing answered on this port of the site a moment ago.',
  );
}

/** The parent's answer is passed on, a refusal with its body too. */
async function throughParent(
  turn: ClientTurn,
  { method }: RequestHead,
  go: Go,
  parent: Wire,
): Promise<Outcome> {
  const { visit } = turn;
  const { context } = visit;
  const { url } = go.facts;
  const plan = {
    ...go.facts,
    framing: { kind: 'none' },
    toProxy: true,
    now: context.now(),
    random: context.random(),
  } as const;
  const headers = context.timeBox.run(() => requestHeaders(plan, go.decision.actions, context.rules));
  let late = false;
  visit.enter('answer', () => {
    late = true;
    parent.destroy();
  });
  const target = `${url.host.includes(':') ? `[${url.host}]` : url.host}:${url.port}`;
  parent.write(headText(`CONNECT ${target} HTTP/1.1`, headers));
  const head = await parentAnswer({
    parent,
    method,
    limits: visit.terms.answerHead,
    onContinue: () => {},
  }).catch((error: unknown) => {
    throw late ? new UpstreamError({ code: 'timeout' }) : error;
  });
  if (head.status < 200) throw new UpstreamError({ code: 'invalid' });
  if (head.status <= 299) {
    context.counters.add('connect-open');
    turn.answered = true;
    turn.wire.write(headText(`HTTP/1.1 ${head.status} ${head.reason}`, head.headers));
    await join(turn, parent);
    return 'end';
  }
  context.counters.add('connect-refused');
  if (!PASSING.has(head.status)) remember(turn, go.facts);
  return await passRefusal(turn, parent, head);
}

async function passRefusal(turn: ClientTurn, parent: Wire, head: AnswerHead): Promise<Outcome> {
  const headers = head.headers.filter(
    (_, at) => !NOT_PASSED.has((head.headers[at & ~1] ?? '').toLowerCase()),
  );
  turn.visit.enter('answer', () => void turn.cut());
  const timer = setTimeout(() => void parent.destroy(), REFUSAL_MS);
  const { result } = await deliver(turn, { parent, head, headers, last: true });
  clearTimeout(timer);
  return result === 'whole' ? turn.visit.finish() : turn.cut();
}
