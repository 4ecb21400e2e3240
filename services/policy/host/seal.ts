import type { Nft } from 'nftables-ts/nft.ts';
import { Transaction } from 'nftables-ts/transaction.ts';
import { compile } from '../ruleset/compile.ts';
import { readFacts } from './facts.ts';

/** The sealed state as one transaction, for these interfaces. */
export function denyAll(devices: readonly string[]): Transaction {
  const transaction = new Transaction();
  for (const table of compile({ state: 'sealed', devices })) transaction.replaceTable(table);
  return transaction;
}

/** Seals without configuration, for a process that has to give up. */
export async function sealBlindly(nft: Nft): Promise<void> {
  const { devices } = await readFacts();
  await nft.apply(denyAll(devices));
}
