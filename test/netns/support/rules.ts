import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StateName } from '@allium/common/contracts/policy.ts';
import type { Table } from 'nftables-ts/objects.ts';
import { Transaction } from 'nftables-ts/transaction.ts';
import { parsePolicy } from '../../../services/policy/model/policy.ts';
import { compile } from '../../../services/policy/ruleset/compile.ts';
import { aimOf } from '../../leak/kernel/aim.ts';
import { probesOfWorkstation } from '../../leak/probes/table.ts';
import { LAB_GATE, type Lab } from './lab.ts';
import { rawProblem } from './machine.ts';

const POLICIES = join(import.meta.dirname, '../../../policies');

/** The rules of a state for the lab, under a policy that we ship. */
export function tablesOf(state: StateName, policy: string): Table[] {
  if (state === 'sealed') return compile({ state, devices: ['lan0', 'up0'] });
  const text = readFileSync(join(POLICIES, `${policy}.yaml`), 'utf8');
  return compile({ state, policy: parsePolicy(policy, text), generation: 7, gate: LAB_GATE });
}

export function replacing(tables: readonly Table[]): Transaction {
  return tables.reduce((transaction, table) => transaction.replaceTable(table), new Transaction());
}

/** Raw frames from the workstation to the gate, in hex; none where they cannot be sent. */
export function rawProbes(lab: Lab): string[] {
  if (rawProblem() !== undefined) return [];
  return probesOfWorkstation(aimOf(lab)).flatMap(({ frames }) => frames);
}
