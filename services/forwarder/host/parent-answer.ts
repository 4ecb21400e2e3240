import { type AnswerFault, type AnswerHead, AnswerReader } from '../http/answer-head.ts';
import type { HeadLimits } from '../http/head-lines.ts';
import { HeadTaker } from './head-taker.ts';
import { UpstreamError } from './upstream-error.ts';
import type { Wire } from './wire.ts';

/** Answers in front of the answer (RFC 9110 15.2). */
const INTERIM_MAX = 16;

/** A connection that was used before closed without a byte: the parent let it go just when it was used again. */
export class StaleError extends UpstreamError {
  constructor() {
    super({ code: 'closed' });
  }
}

export interface Question {
  readonly parent: Wire;
  readonly method: string;
  readonly limits: HeadLimits;
  /** the parent would like to have the body */
  readonly onContinue: () => void;
}

/** Waits for the answer's head. Throws `UpstreamError`; `StaleError` when nothing at all has come. */
export async function parentAnswer({ parent, method, limits, onContinue }: Question): Promise<AnswerHead> {
  for (let interim = 0; interim <= INTERIM_MAX; interim++) {
    const { promise, resolve } = Promise.withResolvers<AnswerHead | AnswerFault | 'silent' | 'closed'>();
    const reader = new AnswerReader(method, limits);
    parent.attach(new HeadTaker(reader, resolve, () => resolve(reader.begun ? 'closed' : 'silent')));
    const head = await promise;
    if (head === 'silent' && interim === 0) throw new StaleError();
    if (head === 'silent' || head === 'closed') throw new UpstreamError({ code: 'closed' });
    if (typeof head === 'string') throw new UpstreamError({ code: 'invalid' });
    if (head.status === 101 || head.status >= 200) return head;
    if (head.status === 100) onContinue();
  }
  throw new UpstreamError({ code: 'invalid' });
}
