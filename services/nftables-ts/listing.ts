import { z } from 'zod';
import { type Canonical, canonicalObjects } from './canonical.ts';
import { NftError } from './errors.ts';
import type { NftObject } from './json.ts';
import type { TableRef } from './objects.ts';

/** The whole ruleset of a namespace as nft lists it. */
export interface Listing {
  readonly tables: readonly TableRef[];
  readonly objects: readonly NftObject[];
}

const envelope = z.object({ nftables: z.array(z.record(z.string(), z.record(z.string(), z.unknown()))) });

/** The objects of an `nft -j list` answer. Throws `NftError` (`unreadable`). */
export function parseListing(text: string): NftObject[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new NftError('unreadable', 'nft wrote something that is not JSON');
  }
  const result = envelope.safeParse(json);
  if (!result.success) throw new NftError('unreadable', 'nft wrote JSON of an unknown shape');
  return result.data.nftables.filter((object) => !('metainfo' in object));
}

export function belongsTo(object: NftObject, table: TableRef): boolean {
  return Object.entries(object).some(
    ([kind, body]) =>
      body.family === table.family && (kind === 'table' ? body.name : body.table) === table.name,
  );
}

/** Base chains at devices that are listed without their device, as nft 1.0 does in JSON (not in text). */
export function lacksDevice(object: NftObject): boolean {
  const chain = object.chain;
  return (
    chain !== undefined && (chain.hook === 'ingress' || chain.hook === 'egress') && chain.dev === undefined
  );
}

/** Chain name → devices, from `nft list table` in text. */
export function devicesInText(text: string): Map<string, string[]> {
  const devices = new Map<string, string[]>();
  let chain = '';
  for (const line of text.split('\n')) {
    chain = /^\tchain (\S+) \{$/.exec(line)?.[1] ?? chain;
    const found = /^\t\ttype \S+ hook \S+ devices? (?:= )?(.+?) priority /.exec(line)?.[1];
    if (found !== undefined)
      devices.set(
        chain,
        [...found.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? ''),
      );
  }
  return devices;
}

/** The part of a listing that belongs to these tables, in canonical form. */
export function canonicalOf(listing: Listing, tables: readonly TableRef[]): Canonical {
  return canonicalObjects(
    listing.objects.filter((object) => tables.some((table) => belongsTo(object, table))),
  );
}
