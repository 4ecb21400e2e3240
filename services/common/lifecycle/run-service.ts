import { parseArgs } from 'node:util';
import { GatewayError } from '../bytes/errors.ts';
import { untilSignal } from './lifecycle.ts';

export interface Service {
  start(): Promise<void>;
  stop(): Promise<unknown>;
}

/**
 * The body of a service's `main.ts`: `--config FILE`, start, wait for a signal, stop. Returns the exit code: 2 for wrong
 * usage, 1 with the message of a `GatewayError` (a configuration, a key file, an address in use), else 0.
 */
export async function runService(usage: string, create: (configFile: string) => Service): Promise<number> {
  const file = configFile();
  if (file === undefined) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  try {
    const service = create(file);
    await service.start();
    await untilSignal();
    await service.stop();
    return 0;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

function configFile(): string | undefined {
  try {
    return parseArgs({ options: { config: { type: 'string' } } }).values.config;
  } catch {
    return undefined;
  }
}
