import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATES } from '@allium/common/contracts/policy.ts';
import test from 'ava';
import { Transaction } from 'nftables-ts/transaction.ts';
import { POLICY_NAMES, shippedPolicy, tablesOf } from './support.ts';

const GOLDEN = join(import.meta.dirname, 'golden');

/**
 * `UPDATE_GOLDEN=true npx ava test/policy/golden.test.ts && npm run fix` writes them anew; the difference is then for a
 * human to read: it is what the kernel will be told.
 */
function golden(name: string, found: unknown): unknown {
  const file = join(GOLDEN, `${name}.json`);
  if (process.env.UPDATE_GOLDEN === 'true') writeFileSync(file, JSON.stringify(found));
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

for (const policy of POLICY_NAMES) {
  for (const state of STATES.filter((name) => name !== 'sealed' || policy === 'leak-proof')) {
    const name = state === 'sealed' ? 'sealed' : `${policy}.${state}`;
    test(`the rules of ${name} are the ones that were reviewed`, (t) => {
      const transaction = new Transaction();
      for (const table of tablesOf(state, shippedPolicy(policy))) transaction.replaceTable(table);
      const found = JSON.parse(JSON.stringify(transaction)).nftables;
      t.deepEqual(found, golden(name, found));
    });
  }
}
