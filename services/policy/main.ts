import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import { ConfigError, loadConfig } from '@allium/common/config/load.ts';
import { Lifecycle, untilSignal } from '@allium/common/lifecycle/lifecycle.ts';
import { createLogger } from '@allium/common/observe/logger.ts';
import { Nft } from 'nftables-ts/nft.ts';
import { serveControl } from './host/control.ts';
import { readPolicies } from './host/policies.ts';
import { denyAll, sealBlindly } from './host/seal.ts';
import { PolicyService } from './host/service.ts';
import { settingsSchema } from './model/settings.ts';

const USAGE = `usage: npm start -w @allium/policy -- --config FILE
       npm start -w @allium/policy -- --print-sealed   deny-all for nft -j -f, as the gate loads it`;

async function main(): Promise<number> {
  const { config: file, 'print-sealed': print } = options();
  if (print) {
    process.stdout.write(`${JSON.stringify(denyAll([]), null, 2)}\n`);
    return 0;
  }
  if (file === undefined) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  try {
    await serve(file);
    return 0;
  } catch (error) {
    // An earlier process may have left the gate open, and nobody would watch it.
    await sealBlindly(new Nft({ scratch: '/dev/shm' })).catch((why: unknown) =>
      process.stderr.write(`not sealed: ${String(why)}\n`),
    );
    if (!(error instanceof GatewayError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

async function serve(file: string): Promise<void> {
  const settings = loadConfig(file, settingsSchema);
  const policy = readPolicies(settings.policies).find(({ name }) => name === settings.policy);
  if (policy === undefined) {
    const why = `no such policy in ${settings.policies}`;
    throw new ConfigError(file, [{ line: 1, column: 1, key: 'policy', why }]);
  }
  const logger = createLogger('policy', settings.log);
  const nft = new Nft({ command: settings.nft, scratch: settings.scratch });
  // Flows of an earlier process carry marks of another generation.
  const service = new PolicyService(settings, policy, randomInt(2 ** 47), nft, logger);
  const lifecycle = new Lifecycle();
  service.start();
  lifecycle.add('rules', () => service.stop());
  await lifecycle.start('control', () => serveControl({ path: settings.control }, service));
  await untilSignal();
  await lifecycle.stop();
}

function options(): { config?: string; 'print-sealed'?: boolean } {
  try {
    return parseArgs({ options: { config: { type: 'string' }, 'print-sealed': { type: 'boolean' } } }).values;
  } catch {
    return {};
  }
}

process.exit(await main());
