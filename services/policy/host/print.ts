import { ConfigError, loadConfig } from '@allium/common/config/load.ts';
import { policyName, STATES } from '@allium/common/contracts/policy.ts';
import { Transaction } from 'nftables-ts/transaction.ts';
import type { Link, Site } from '../model/plan.ts';
import type { LinkSettings, Settings } from '../model/settings.ts';
import { settingsSchema } from '../model/settings.ts';
import { compile } from '../ruleset/compile.ts';
import { readPolicy } from './policies.ts';

/**
 * Prints the rules that a policy is in a state, as `nft -j -f` takes them: with the devices called `lan` and `up` and the
 * flows of generation 0. Nothing is loaded. Returns the exit code.
 */
export function print(file: string, name: string, state: string): number {
  const known = STATES.find((it) => it === state);
  if (known === undefined || !policyName.safeParse(name).success) {
    process.stderr.write(`a policy such as leak-proof, and ${STATES.join(', ')}\n`);
    return 2;
  }
  try {
    const transaction = new Transaction();
    for (const table of compile(siteOf(file, name, known))) transaction.replaceTable(table);
    process.stdout.write(`${JSON.stringify(transaction, null, 2)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

function siteOf(file: string, name: string, state: Site['state']): Site {
  const settings = loadConfig(file, settingsSchema);
  if (state === 'sealed') return { state, devices: ['lan', 'up'] };
  return { state, policy: readPolicy(settings.policies, name), generation: 0, gate: gateOf(settings) };
}

function gateOf({ lan, up, uplink, tor }: Settings) {
  return { lan: linkOf('lan', lan), up: linkOf('up', up), uplink, torUid: tor.uid };
}

function linkOf(device: string, { address, subnet }: LinkSettings): Link {
  return { device, address, subnet };
}
