import { parseArgs } from 'node:util';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import { untilSignal } from '@allium/common/lifecycle/lifecycle.ts';
import { createLogger } from '@allium/common/observe/logger.ts';
import { loadUplinkConfig } from './host/config.ts';
import { Uplink } from './host/uplink.ts';

const USAGE = 'usage: npm start -w @allium/uplink -- --config FILE';

async function main(): Promise<number> {
  const file = configFile();
  if (file === undefined) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  try {
    const config = loadUplinkConfig(file);
    const log = createLogger('uplink', config.logLevel);
    const uplink = new Uplink(config);
    await uplink.start();
    log.info('listening');
    await untilSignal();
    await uplink.stop();
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
