import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { GatewayError } from '../bytes/errors.ts';
import { untilSignal } from './lifecycle.ts';

export interface Service {
  start(): Promise<void>;
  stop(): Promise<unknown>;
}

export interface Program<Config> {
  /** how it is called, for a person who called it otherwise */
  readonly usage: string;
  /** Reads all that the start would read, and changes nothing. Throws `GatewayError`. */
  load(file: string): Config;
  /** For `--check`: what is allowed and may well be a mistake, a line each. */
  doubts?(config: Config): readonly string[];
  /** Throws `GatewayError`. */
  create(config: Config): Service | Promise<Service>;
  /** Whatever has to be done when it could not be started. */
  failed?(): Promise<void>;
}

/**
 * The body of a service's `main.ts`: `--config FILE`, start, wait for a signal, stop; with `--check` it only reads, and
 * says what is doubtful. Returns the exit code: 2 for wrong usage, 1 with the message of a `GatewayError` (a
 * configuration, a key file, an address in use), else 0.
 */
export async function runService<Config>(program: Program<Config>): Promise<number> {
  const { config: file, check } = options();
  if (file === undefined) {
    process.stderr.write(`${program.usage}\n`);
    return 2;
  }
  try {
    if (check) return showDoubts(program, file);
    await serve(program, file);
    return 0;
  } catch (error) {
    if (!check) await program.failed?.();
    if (!(error instanceof GatewayError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

function showDoubts<Config>(program: Program<Config>, file: string): number {
  const config = program.load(file);
  for (const line of program.doubts?.(config) ?? []) process.stdout.write(`${file}: ${line}\n`);
  return 0;
}

async function serve<Config>(program: Program<Config>, file: string): Promise<void> {
  const service = await program.create(program.load(file));
  await service.start();
  await untilSignal();
  await service.stop();
}

function options(): { config?: string; check?: boolean } {
  try {
    const { values } = parseArgs({ options: { config: { type: 'string' }, check: { type: 'boolean' } } });
    if (values.config === undefined) return {};
    // npm changes into the workspace; names are meant from where the user is.
    return { ...values, config: resolve(process.env.INIT_CWD ?? '.', values.config) };
  } catch {
    return {};
  }
}
