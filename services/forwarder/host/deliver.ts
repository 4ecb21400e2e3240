import type { AnswerHead } from '../http/answer-head.ts';
import { BodyDecoder } from '../http/body-decoder.ts';
import { type BodyCoding, headText } from '../http/encode.ts';
import { NO_BODY } from '../http/framing.ts';
import { BodyPump, type BodyResult } from './body-pump.ts';
import type { Turn } from './turn.ts';
import { UnpackPump } from './unpack-pump.ts';
import type { Wire } from './wire.ts';

export interface Delivery {
  readonly parent: Wire;
  readonly head: AnswerHead;
  /** what goes to the client, without framing and connection headers but Content-Length */
  readonly headers: readonly string[];
  /** the client's connection ends behind it, and so does a body without a length */
  readonly last: boolean;
  /** the body is in gzip, and goes on without */
  readonly gunzip?: boolean;
}

export interface Delivered {
  readonly result: BodyResult;
  /** the client was told that its connection stays */
  readonly kept: boolean;
}

/** Writes an answer's head and carries its body. Resolves when the body has ended, however. */
export async function deliver(
  turn: Turn,
  { parent, head, headers, last, gunzip }: Delivery,
): Promise<Delivered> {
  const { asked } = turn;
  const newer = typeof asked === 'object' && asked.minor === 1;
  const none = head.framing.kind === NO_BODY.kind;
  const length = hasLength(headers);
  // HTTP/1.0 knows no chunks: without a length the answer ends with the connection.
  const coding: BodyCoding = none || length || last || !newer ? 'plain' : 'chunked';
  const kept = !last && turn.keeps && (none || length || newer);
  const text = headText(`HTTP/1.1 ${head.status} ${head.reason}`, [
    ...headers,
    ...(coding === 'chunked' ? ['Transfer-Encoding', 'chunked'] : []),
    ...turn.visit.terms.connectionHeaders(kept),
  ]);
  turn.answered = true;
  turn.endsByClose = coding === 'plain' && !none && !length;
  const { promise, resolve } = Promise.withResolvers<BodyResult>();
  const decoder = new BodyDecoder(head.framing, false);
  const way = { from: parent, to: turn.wire, decoder, coding, ended: resolve };
  const pump = gunzip && !none ? new UnpackPump(way, text) : new BodyPump(way, text);
  pump.start();
  return { result: await promise, kept };
}

function hasLength(headers: readonly string[]): boolean {
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    if (name.length === 14 && name.toLowerCase() === 'content-length') return true;
  }
  return false;
}
