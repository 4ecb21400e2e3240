import { isAbsolute } from 'node:path';
import { loadConfig } from '@allium/common/config/load.ts';
import { serveHealth } from '@allium/common/lifecycle/health.ts';
import { Lifecycle } from '@allium/common/lifecycle/lifecycle.ts';
import { type ListenAddress, parseListenAddress } from '@allium/common/lifecycle/listen.ts';
import { Counters } from '@allium/common/observe/counters.ts';
import { z } from 'zod';
import { ControlDoor } from './control-door.ts';
import { TorQuestions } from './tor-questions.ts';

const address = z.string().transform((text, context): ListenAddress => {
  const parsed = parseListenAddress(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'an absolute socket path or HOST:PORT' });
  return z.NEVER;
});

const schema = z.strictObject({
  /** where workstations find it */
  listen: address,
  /** Tor's own control socket */
  tor: z.string().refine(isAbsolute, 'an absolute path'),
  health: z.strictObject({ listen: address }).optional(),
});
export type ControlConfig = z.output<typeof schema>;

/** Throws `ConfigError` with file, line and what is allowed. */
export function loadControlConfig(file: string): ControlConfig {
  return loadConfig(file, schema);
}

/** The filtered control port as a process of its own. It logs nothing. */
export class ControlService {
  readonly counters = new Counters();
  readonly door: ControlDoor;
  readonly #config: ControlConfig;
  readonly #questions: TorQuestions;
  readonly #life = new Lifecycle();

  constructor(config: ControlConfig) {
    this.#config = config;
    this.#questions = new TorQuestions(config.tor, Date.now);
    this.door = new ControlDoor({
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
