import { runService } from '@allium/common/lifecycle/run-service.ts';
import { Nft } from 'nftables-ts/nft.ts';
import { print } from './host/print.ts';
import { denyAll, sealBlindly } from './host/seal.ts';
import { loadSettings, startable } from './host/startable.ts';

const USAGE = `usage: npm start -w @allium/policy -- --config FILE [--check]
       npm start -w @allium/policy -- --print-sealed              deny-all for nft -j -f, as the gate loads it
       npm start -w @allium/policy -- --print FILE POLICY STATE   what would be loaded; FILE is the configuration`;

function main(): Promise<number> {
  const [mode, file, policy, state] = process.argv.slice(2);
  if (mode === '--print-sealed') {
    process.stdout.write(`${JSON.stringify(denyAll([]), null, 2)}\n`);
    return Promise.resolve(0);
  }
  if (mode === '--print' && file !== undefined && policy !== undefined && state !== undefined) {
    return Promise.resolve(print(file, policy, state));
  }
  return runService({
    usage: USAGE,
    load: loadSettings,
    create: startable,
    failed: giveUp,
  });
}

/** An earlier process may have left the gate open, and nobody would watch it. */
async function giveUp(): Promise<void> {
  await sealBlindly(new Nft({ scratch: '/dev/shm' })).catch((why: unknown) =>
    process.stderr.write(`not sealed: ${String(why)}\n`),
  );
}

process.exit(await main());
