import {
  type AnswerFault,
  type AnswerHead,
  AnswerReader,
} from '../../../services/forwarder/http/answer-head.ts';
import { BodyDecoder } from '../../../services/forwarder/http/body-decoder.ts';
import type { AnswerFraming } from '../../../services/forwarder/http/framing.ts';
import type { HeadLimits } from '../../../services/forwarder/http/head-lines.ts';
import {
  type RequestFault,
  type RequestHead,
  RequestReader,
} from '../../../services/forwarder/http/request-head.ts';

export const LIMITS: HeadLimits = { bytes: 64 * 1024, firstLine: 16 * 1024, headers: 100 };

/** Cuts bytes at the given places; the places may be any numbers. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

export interface HeadRead<Head> {
  readonly result: Head | undefined;
  /** bytes behind the head, as far as there is a result */
  readonly rest: string;
}

/** Feeds the pieces one after the other; what is behind the head is the rest. */
function read<Head>(
  reader: { readonly result: Head | undefined; push(chunk: Buffer): number },
  pieces: readonly Buffer[],
): HeadRead<Head> {
  let rest = '';
  for (const piece of pieces) {
    const used = reader.push(piece);
    if (reader.result !== undefined) rest += piece.toString('latin1', used);
  }
  return { result: reader.result, rest };
}

export function readRequest(
  pieces: readonly Buffer[],
  limits = LIMITS,
): HeadRead<RequestHead | RequestFault> {
  return read(new RequestReader(limits), pieces);
}

export function readAnswer(
  pieces: readonly Buffer[],
  method = 'GET',
  limits = { ...LIMITS, headers: 1_000 },
): HeadRead<AnswerHead | AnswerFault> {
  return read(new AnswerReader(method, limits), pieces);
}

export interface BodyRead {
  readonly body: string;
  readonly result: 'whole' | 'fault' | undefined;
  readonly rest: string;
}

export function readBody(framing: AnswerFraming, strict: boolean, pieces: readonly Buffer[]): BodyRead {
  const decoder = new BodyDecoder(framing, strict);
  const out: Buffer[] = [];
  let rest = '';
  for (const piece of pieces) {
    const used = decoder.push(piece, out);
    rest += piece.toString('latin1', used);
  }
  return { body: Buffer.concat(out).toString('latin1'), result: decoder.result, rest };
}

export const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
