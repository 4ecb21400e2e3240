import { type AnswerFault, type AnswerHead, AnswerReader } from '../http/answer-head.ts';
import type { HeadLimits } from '../http/head-lines.ts';
import { UpstreamError } from './upstream-error.ts';
import type { Taker, Wire } from './wire.ts';

/** Answers in front of the answer (RFC 9110 15.2). */
const INTERIM_MAX = 16;
const EMPTY = Buffer.alloc(0);

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
    parent.attach(new AnswerTaker(new AnswerReader(method, limits), resolve));
    const head = await promise;
    if (head === 'silent' && interim === 0) throw new StaleError();
    if (head === 'silent' || head === 'closed') throw new UpstreamError({ code: 'closed' });
    if (typeof head === 'string') throw new UpstreamError({ code: 'invalid' });
    if (head.status === 101 || head.status >= 200) return head;
    if (head.status === 100) onContinue();
  }
  throw new UpstreamError({ code: 'invalid' });
}

type Said = AnswerHead | AnswerFault | 'silent' | 'closed';

class AnswerTaker implements Taker {
  readonly #reader: AnswerReader;
  readonly #resolve: (said: Said) => void;

  constructor(reader: AnswerReader, resolve: (said: Said) => void) {
    this.#reader = reader;
    this.#resolve = resolve;
  }

  take(chunk: Buffer): Buffer | undefined {
    const used = this.#reader.push(chunk);
    const { result } = this.#reader;
    if (result === undefined) return undefined;
    this.#resolve(result);
    return used === chunk.length ? EMPTY : chunk.subarray(used);
  }

  end(): void {
    this.#resolve(this.#reader.begun ? 'closed' : 'silent');
  }
}
