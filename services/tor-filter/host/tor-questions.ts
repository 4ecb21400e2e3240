import { setTimeout as sleep } from 'node:timers/promises';
import { TorControlSocket } from '@allium/common/tor/control-socket.ts';
import { QUESTIONS, type Question } from '../filter/commands.ts';

/** Milliseconds for which an answer is given again; also between two NEWNYM, of which Tor takes one in ten seconds. */
const FRESH_MS = 1_000;

/** Asks Tor for all clients, so that many of them are no more work for it than one. */
export class TorQuestions {
  readonly #tor: TorControlSocket;
  readonly #now: () => number;
  readonly #answers = new Map<
    Question,
    { readonly at: number; readonly answer: Promise<string | undefined> }
  >();
  #newCircuits: Promise<string | undefined> | undefined;
  #newCircuitsAt = Number.NEGATIVE_INFINITY;

  constructor(socketPath: string, now: () => number) {
    this.#tor = new TorControlSocket(socketPath);
    this.#now = now;
  }

  /** Undefined when Tor does not answer. */
  ask(question: Question): Promise<string | undefined> {
    if (question === 'new-circuits') {
      this.#newCircuits ??= this.#askForCircuits();
      return this.#newCircuits;
    }
    const known = this.#answers.get(question);
    if (known !== undefined && this.#now() - known.at < FRESH_MS) return known.answer;
    const answer = this.#put(question);
    this.#answers.set(question, { at: this.#now(), answer });
    return answer;
  }

  /** Whoever asks before it is sent shares it; whoever asks later waits for the next. */
  async #askForCircuits(): Promise<string | undefined> {
    await sleep(Math.max(0, this.#newCircuitsAt + FRESH_MS - this.#now()));
    this.#newCircuits = undefined;
    this.#newCircuitsAt = this.#now();
    return await this.#put('new-circuits');
  }

  async #put(question: Question): Promise<string | undefined> {
    try {
      return await this.#tor.ask(QUESTIONS[question]);
    } catch {
      return undefined;
    }
  }

  stop(): void {
    this.#tor.stop();
  }
}
