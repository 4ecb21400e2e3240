import type { Listing } from 'nftables-ts/listing.ts';
import type { CounterValue, Nft } from 'nftables-ts/nft.ts';
import { countersIn } from 'nftables-ts/nft.ts';
import type { Table } from 'nftables-ts/objects.ts';
import { Transaction } from 'nftables-ts/transaction.ts';
import { type Doubt, type Facts, findGate } from '../model/facts.ts';
import type { Plan, Site } from '../model/plan.ts';
import type { Settings } from '../model/settings.ts';
import { compile } from '../ruleset/compile.ts';
import { TABLE } from '../ruleset/table-builder.ts';
import { verify } from '../verify/verify.ts';
import { readFacts } from './facts.ts';

export type Applied =
  | { readonly ok: true; readonly digest: string }
  | { readonly ok: false; readonly doubts: readonly Doubt[]; readonly why: string };

/** Brings plans into the kernel of this namespace and looks whether they are still there. */
export class Kernel {
  readonly #nft: Nft;
  readonly #settings: Settings;
  #meant: { readonly site: Site; readonly tables: readonly Table[] } | undefined;
  #totals = new Map<string, CounterValue>();
  #running = new Map<string, CounterValue>();

  constructor(nft: Nft, settings: Settings) {
    this.#nft = nft;
    this.#settings = settings;
  }

  /** Never throws: whatever goes wrong is a doubt. */
  async apply(plan: Plan): Promise<Applied> {
    try {
      return await this.#apply(plan);
    } catch (error) {
      return { ok: false, doubts: ['apply-failed'], why: String(error) };
    }
  }

  /** Never throws. Empty when the kernel has what was meant and the structure fits it. */
  async inspect(): Promise<Doubt[]> {
    try {
      const [facts, listing] = await Promise.all([readFacts(), this.#nft.list()]);
      this.#read(listing);
      const meant = this.#meant;
      if (meant === undefined) return ['drift'];
      const doubts = new Set<Doubt>(verify(meant.tables, listing, this.#settings.foreignTables).doubts);
      for (const doubt of structureDoubts(meant.site, facts, this.#settings)) doubts.add(doubt);
      return [...doubts];
    } catch {
      return ['unreadable'];
    }
  }

  /** Packets and bytes by counter since the process started, over all reloads. */
  counters(): Record<string, CounterValue> {
    const sum = new Map(this.#totals);
    addAll(sum, this.#running);
    return Object.fromEntries([...sum].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async #apply(plan: Plan): Promise<Applied> {
    const [facts, before] = await Promise.all([readFacts(), this.#nft.list()]);
    const site = siteOf(plan, facts, this.#settings);
    if ('doubts' in site)
      return { ok: false, doubts: site.doubts, why: 'the namespace is not as configured' };
    const tables = compile(site);
    const transaction = new Transaction();
    for (const table of before.tables) if (table.name === TABLE) transaction.deleteTable(table);
    for (const table of tables) transaction.replaceTable(table);
    this.#read(before);
    if (site.state !== 'sealed') await this.#nft.check(transaction);
    await this.#nft.apply(transaction);
    this.#meant = { site, tables };
    addAll(this.#totals, this.#running);
    this.#running = new Map();
    const verdict = verify(tables, await this.#nft.list(), this.#settings.foreignTables);
    // Deny-all is right whatever else is there; more than that is not.
    const doubts =
      site.state === 'sealed' ? verdict.doubts.filter((doubt) => doubt === 'drift') : verdict.doubts;
    if (doubts.length === 0) return { ok: true, digest: verdict.digest };
    const first = verdict.differences[0];
    return {
      ok: false,
      doubts,
      why: first === undefined ? 'read back' : `read back: ${first.kind} ${first.name}`,
    };
  }

  #read(listing: Listing): void {
    this.#running = new Map();
    for (const family of ['inet', 'netdev'] as const) {
      addAll(this.#running, countersIn(listing.objects, { family, name: TABLE }));
    }
  }
}

function siteOf(plan: Plan, facts: Facts, settings: Settings): Site | { readonly doubts: readonly Doubt[] } {
  if (plan.state === 'sealed') return { state: 'sealed', devices: facts.devices };
  const found = findGate(facts, settings);
  if (!found.ok) return { doubts: found.doubts };
  return { state: plan.state, policy: plan.policy, generation: plan.generation, gate: found.gate };
}

/** Interfaces come, go and change their names: rules made for others are drift. */
function structureDoubts(site: Site, facts: Facts, settings: Settings): readonly Doubt[] {
  const found = findGate(facts, settings);
  const doubts = found.ok ? [] : [...found.doubts];
  const same =
    site.state === 'sealed'
      ? facts.devices.toSorted().join() === site.devices.toSorted().join()
      : found.ok && JSON.stringify(found.gate) === JSON.stringify(site.gate);
  return same || (site.state !== 'sealed' && !found.ok) ? doubts : [...doubts, 'drift'];
}

function addAll(sum: Map<string, CounterValue>, values: ReadonlyMap<string, CounterValue>): void {
  for (const [name, { packets, bytes }] of values) {
    const before = sum.get(name);
    sum.set(name, { packets: packets + (before?.packets ?? 0), bytes: bytes + (before?.bytes ?? 0) });
  }
}
