import type { AnswerHead } from '../http/answer-head.ts';
import { NO_BODY } from '../http/framing.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { Opened } from './outlet.ts';
import { parentAnswer, StaleError } from './parent-answer.ts';
import type { Turn } from './turn.ts';
import { UpstreamError } from './upstream-error.ts';
import type { Wire } from './wire.ts';

export interface Asked {
  readonly parent: Wire;
  readonly answer: AnswerHead;
}

/**
 * Sends a request over what `open` gives until there is an answer's head; its body passes meanwhile. `text` is the head
 * as it goes out. Throws `UpstreamError`, and whatever `open` throws.
 */
export async function ask(
  turn: Turn,
  head: RequestHead,
  text: string,
  open: () => Opened | Promise<Opened>,
): Promise<Asked> {
  const { visit } = turn;
  const limits = visit.terms.answerHead;
  const onContinue = (): void => {
    if (head.expects === 'continue') turn.letSend();
  };
  for (;;) {
    const { wire: parent, used, opened } = await open();
    let late = false;
    visit.enter('answer', () => {
      late = true;
      parent.destroy();
    });
    parent.write(text);
    turn.sendBody(head, parent, () => parent.destroy());
    try {
      await opened;
      return { parent, answer: await parentAnswer({ parent, method: head.method, limits, onContinue }) };
    } catch (error) {
      if (late) throw new UpstreamError({ code: 'timeout' });
      const again = error instanceof StaleError && used && head.framing.kind === NO_BODY.kind;
      if (!again || turn.wire.gone) throw error;
      // The parent closed an idle connection just when it was used again: once more on a new one.
      visit.terms.count('upstream-stale');
      visit.link.drop();
    }
  }
}
