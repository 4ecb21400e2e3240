import { admit, faultAnswer } from './admit.ts';
import { EXPECTATION } from './answers.ts';
import { serveConnect } from './connect.ts';
import { tell } from './context.ts';
import { serveExchange } from './exchange.ts';
import type { ClientTurn } from './turn.ts';
import type { Outcome } from './visit.ts';

/** Serves one request: what is refused as it stands, what is decided here, and what goes on. */
export function serveTurn(turn: ClientTurn): Outcome | Promise<Outcome> {
  const { asked, visit } = turn;
  const { context } = visit;
  if (typeof asked === 'string') {
    tell(context, `refused-${asked}`);
    return turn.answer(faultAnswer(asked));
  }
  if (asked.expects === 'unknown') {
    // Only "100-continue" is understood.
    tell(context, 'refused-expectation');
    return turn.answer(EXPECTATION);
  }
  const verdict = admit(asked, visit, context);
  switch (verdict.kind) {
    case 'drop':
      tell(context, 'access-denied');
      return turn.cut();
    case 'answer':
      tell(context, verdict.code);
      // What comes behind CONNECT was meant for a tunnel and is no request.
      return turn.answer(asked.method === 'CONNECT' ? { ...verdict.answer, close: true } : verdict.answer);
    case 'go':
      return asked.method === 'CONNECT'
        ? serveConnect(turn, asked, verdict)
        : serveExchange(turn, asked, verdict);
  }
}
