import { parseArgs } from 'node:util';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import { untilSignal } from '@allium/common/lifecycle/lifecycle.ts';
import { loadRouterConfig } from './host/config.ts';
import { Router } from './host/router.ts';

const USAGE = 'usage: npm start -w @allium/router -- --config FILE';

async function main(): Promise<number> {
  const file = configFile();
  if (file === undefined) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  try {
    const router = new Router(loadRouterConfig(file));
    await router.start();
    await untilSignal();
    await router.stop();
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

process.exit(await main());
