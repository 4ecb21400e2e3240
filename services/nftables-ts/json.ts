import type { Chain, NftMap, NftSet, Table, TableRef } from './objects.ts';

/** An object of libnftables' schema: `{table: …}`, `{chain: …}`, `{rule: …}`. */
export type NftObject = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The table and its content in an order that the kernel can add them in. */
export function tableObjects(table: Table): NftObject[] {
  const { family, name } = table;
  const inTable = { family, table: name };
  return [
    tableObject(table),
    ...table.counters.map((counter) => ({ counter: { ...inTable, name: counter.name } })),
    ...table.sets.map((set) => ({ set: setBody(inTable, set) })),
    ...table.chains.map((chain) => ({ chain: chainBody(inTable, chain) })),
    ...table.maps.map((map) => ({ map: mapBody(inTable, map) })),
    ...table.chains.flatMap((chain) =>
      chain.rules.map((rule) => ({
        rule: {
          ...inTable,
          chain: chain.name,
          ...(rule.comment === undefined ? {} : { comment: rule.comment }),
          expr: rule.statements,
        },
      })),
    ),
  ];
}

export function tableObject(table: TableRef): NftObject {
  return { table: { family: table.family, name: table.name } };
}

interface InTable {
  readonly family: string;
  readonly table: string;
}

function setBody(inTable: InTable, set: NftSet): Record<string, unknown> {
  return {
    ...inTable,
    name: set.name,
    type: set.type,
    ...(set.interval ? { flags: ['interval'] } : {}),
    ...(set.elements.length > 0 ? { elem: set.elements } : {}),
  };
}

function mapBody(inTable: InTable, map: NftMap): Record<string, unknown> {
  return {
    ...inTable,
    name: map.name,
    type: map.type,
    map: map.value,
    ...(map.interval ? { flags: ['interval'] } : {}),
    ...(map.entries.length > 0 ? { elem: map.entries } : {}),
  };
}

function chainBody(inTable: InTable, chain: Chain): Record<string, unknown> {
  const { base } = chain;
  if (base === undefined) return { ...inTable, name: chain.name };
  return {
    ...inTable,
    name: chain.name,
    type: base.type,
    hook: base.hook,
    ...(base.device === undefined ? {} : { dev: base.device }),
    prio: base.priority,
    policy: base.policy,
  };
}
