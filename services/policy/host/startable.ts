import { randomInt } from 'node:crypto';
import { ConfigError, loadConfig } from '@allium/common/config/load.ts';
import { Lifecycle } from '@allium/common/lifecycle/lifecycle.ts';
import type { Service } from '@allium/common/lifecycle/run-service.ts';
import { createLogger } from '@allium/common/observe/logger.ts';
import { Nft } from 'nftables-ts/nft.ts';
import type { Policy } from '../model/policy.ts';
import { type Settings, settingsSchema } from '../model/settings.ts';
import { serveControl } from './control.ts';
import { readPolicies } from './policies.ts';
import { PolicyService } from './service.ts';

export interface Loaded {
  readonly settings: Settings;
  readonly policy: Policy;
}

/** The configuration and the policy to begin with. Throws `ConfigError`. */
export function loadSettings(file: string): Loaded {
  const settings = loadConfig(file, settingsSchema);
  const policy = readPolicies(settings.policies).find(({ name }) => name === settings.policy);
  if (policy !== undefined) return { settings, policy };
  const why = `no such policy in ${settings.policies}`;
  throw new ConfigError(file, [{ line: 1, column: 1, key: 'policy', why }]);
}

/** The service with its control socket; not started yet. */
export function startable({ settings, policy }: Loaded): Service {
  const logger = createLogger('policy', settings.log);
  const nft = new Nft({ command: settings.nft, scratch: settings.scratch });
  // Flows of an earlier process carry marks of another generation.
  const service = new PolicyService(settings, policy, randomInt(2 ** 47), nft, logger);
  const lifecycle = new Lifecycle();
  return {
    start: async () => {
      service.start();
      lifecycle.add('rules', () => service.stop());
      await lifecycle.start('control', () => serveControl({ path: settings.control }, service));
    },
    stop: () => lifecycle.stop(),
  };
}
