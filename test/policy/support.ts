import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StateName } from '@allium/common/contracts/policy.ts';
import type { Table } from 'nftables-ts/objects.ts';
import type { Gate } from '../../services/policy/model/plan.ts';
import { type Policy, parsePolicy } from '../../services/policy/model/policy.ts';
import { compile } from '../../services/policy/ruleset/compile.ts';

export const POLICIES = join(import.meta.dirname, '../../policies');
export const POLICY_NAMES = ['leak-proof', 'i2p-only', 'sealed'] as const;

export const GATE: Gate = {
  lan: { device: 'lan0', address: '10.152.152.10', subnet: { addr: '10.152.128.0', len: 18 } },
  up: { device: 'up0', address: '172.31.255.2', subnet: { addr: '172.31.255.0', len: 29 } },
  uplink: { address: '172.31.255.3', port: 3128 },
  torUid: 9001,
};

export function shippedPolicy(name: string): Policy {
  return parsePolicy(`${name}.yaml`, readFileSync(join(POLICIES, `${name}.yaml`), 'utf8'));
}

export function tablesOf(state: StateName, policy: Policy, generation = 1): Table[] {
  if (state === 'sealed') return compile({ state, devices: ['lan0', 'up0'] });
  return compile({ state, policy, generation, gate: GATE });
}
