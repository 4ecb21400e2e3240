import { serveHealth } from '@allium/common/lifecycle/health.ts';
import { Lifecycle } from '@allium/common/lifecycle/lifecycle.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import type { TorFilterConfig } from './config.ts';
import { Door } from './door.ts';
import { TorQuestions } from './tor-questions.ts';

/** The filtered control port as a process. It logs nothing. */
export class TorFilter {
  readonly counters = new Counters();
  readonly door: Door;
  readonly #config: TorFilterConfig;
  readonly #questions: TorQuestions;
  readonly #life = new Lifecycle();

  constructor(config: TorFilterConfig) {
    this.#config = config;
    this.#questions = new TorQuestions(config.tor, Date.now);
    this.door = new Door({
      listen: config.listen,
      ask: (question) => this.#questions.ask(question),
      counters: this.counters,
      now: Date.now,
    });
  }

  /** Throws `ListenError`. */
  async start(): Promise<void> {
    this.#life.add('questions', () => this.#questions.stop());
    await this.#life.start('door', () => this.door.start());
    const { health } = this.#config;
    if (health === undefined) return;
    const status = (): unknown => ({ clients: this.door.clients, counters: this.counters.toJSON() });
    await this.#life.start('health', () => serveHealth(health.listen, { ready: () => true, status }));
  }

  stop(): Promise<string[]> {
    return this.#life.stop();
  }
}
