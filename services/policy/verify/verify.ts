import { canonicalTables, digestOf } from 'nftables-ts/canonical.ts';
import { compare, type Difference } from 'nftables-ts/compare.ts';
import { canonicalOf, type Listing } from 'nftables-ts/listing.ts';
import type { Table } from 'nftables-ts/objects.ts';
import type { Doubt } from '../model/facts.ts';
import { TABLE } from '../ruleset/table-builder.ts';

export interface Verdict {
  /** of what was meant; equal to the kernel's when there is no drift */
  readonly digest: string;
  readonly doubts: readonly Doubt[];
  readonly differences: readonly Difference[];
}

/**
 * Is the kernel's ruleset the one that was meant, and is there nothing beside it that could change what it does?
 * Every table of our name is ours, of whatever family.
 */
export function verify(meant: readonly Table[], listing: Listing, foreignTables: readonly string[]): Verdict {
  const ours = listing.tables.filter((table) => table.name === TABLE);
  const wanted = canonicalTables(meant);
  const differences = compare(wanted, canonicalOf(listing, ours));
  const doubts: Doubt[] = differences.length > 0 ? ['drift'] : [];
  const allowed = new Set(foreignTables);
  const foreign = listing.tables.some(
    ({ family, name }) => name !== TABLE && !allowed.has(`${family} ${name}`),
  );
  if (foreign) doubts.push('foreign-table');
  return { digest: digestOf(wanted), doubts, differences };
}
