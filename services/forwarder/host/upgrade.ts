import { splice } from '@allium/common/net/splice.ts';
import type { AnswerHead } from '../http/answer-head.ts';
import { headText } from '../http/encode.ts';
import type { RequestHead } from '../http/request-head.ts';
import { addTokens } from '../http/text.ts';
import { valuesOf } from '../rules/raw-headers.ts';
import type { Turn } from './turn.ts';
import type { Outcome } from './visit.ts';
import type { Wire } from './wire.ts';

/** A WebSocket handshake (RFC 6455 4.1). Any other upgrade is answered as if it had not been asked for. */
export function isWebSocket({ method, minor, connection, framing, headers }: RequestHead): boolean {
  if (method !== 'GET' || minor !== 1 || !connection.includes('upgrade') || framing.kind !== 'none')
    return false;
  const wanted: string[] = [];
  for (const value of valuesOf(headers, 'upgrade')) addTokens(value, wanted);
  return wanted.length === 1 && wanted[0] === 'websocket';
}

/** Passes the parent's consent on, and then bytes both ways until both have ended. */
export async function switchProtocols(
  turn: Turn,
  parent: Wire,
  head: AnswerHead,
  headers: readonly string[],
): Promise<Outcome> {
  const lines = [...headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
  turn.answered = true;
  turn.wire.write(headText(`HTTP/1.1 ${head.status} ${head.reason}`, lines));
  await join(turn, parent);
  return 'end';
}

/** A blind pipe between the client and a parent; resolves when both are closed. */
export async function join(turn: Turn, parent: Wire): Promise<void> {
  const { visit, wire } = turn;
  visit.enter('off');
  visit.expectSilence();
  visit.link.handOver();
  await splice(wire.release(), parent.release(), visit.terms.tunnelIdleMs);
}
