import { NftError } from './errors.ts';
import type { BaseChain, Chain, Hook, Table } from './objects.ts';
import { FAMILIES } from './objects.ts';
import type { Statement } from './statements.ts';
import { chainTargets, statementProblem } from './validate-rule.ts';
import {
  commentProblem,
  deviceProblem,
  elementProblem,
  nameProblem,
  type Problem,
  scalarProblem,
} from './values.ts';

/** The kernel's own limit on nested jumps. */
const MAX_DEPTH = 16;
const INET_HOOKS: readonly Hook[] = ['ingress', 'prerouting', 'input', 'forward', 'output', 'postrouting'];
const HOOKS_OF: Record<Table['family'], readonly Hook[]> = {
  ip: INET_HOOKS.slice(1),
  ip6: INET_HOOKS.slice(1),
  inet: INET_HOOKS,
  arp: ['input', 'output'],
  bridge: INET_HOOKS.slice(1),
  netdev: ['ingress', 'egress'],
};
/** A nat chain needs connection tracking, which is at -200. */
const LOWEST_NAT_PRIORITY = -199;

/** Throws `NftError` (`invalid`, with the place) for the first thing that nft would refuse or misread. */
export function validateTable(table: Table): void {
  const place = `${table.family} ${table.name}`;
  refuse(place, FAMILIES.includes(table.family) ? undefined : `unknown family ${table.family}`);
  refuse(place, nameProblem(table.name));
  uniqueNames(place, 'counter', table.counters);
  uniqueNames(place, 'set or map', [...table.sets, ...table.maps]);
  uniqueNames(place, 'chain', table.chains);
  for (const set of table.sets) {
    for (const element of set.elements) {
      refuse(`${place} / set ${set.name}`, elementProblem(element, set.type, set.interval === true));
    }
  }
  for (const map of table.maps) validateMap(table, map, `${place} / map ${map.name}`);
  for (const chain of table.chains) validateChain(table, chain, `${place} / chain ${chain.name}`);
  refuseLoops(table, place);
}

function refuse(place: string, problem: Problem): void {
  if (problem !== undefined) throw new NftError('invalid', problem, place);
}

function uniqueNames(place: string, what: string, objects: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  for (const { name } of objects) {
    refuse(`${place} / ${what}`, nameProblem(name));
    refuse(`${place} / ${what}`, seen.has(name) ? `'${name}' twice` : undefined);
    seen.add(name);
  }
}

function validateMap(table: Table, map: Table['maps'][number], place: string): void {
  for (const [key, value] of map.entries) {
    refuse(place, elementProblem(key, map.type, map.interval === true));
    if (map.value !== 'verdict') {
      refuse(
        place,
        typeof value === 'object' ? 'a verdict in a map of values' : scalarProblem(value, map.value),
      );
      continue;
    }
    if (typeof value !== 'object') refuse(place, 'a value in a verdict map');
    else for (const target of chainTargets(value)) refuse(place, targetProblem(table, target));
  }
}

function validateChain(table: Table, chain: Chain, place: string): void {
  if (chain.base !== undefined) refuse(place, baseProblem(table, chain.base));
  for (const [index, rule] of chain.rules.entries()) {
    const at = `${place} / rule ${index + 1}`;
    if (rule.comment !== undefined) refuse(at, commentProblem(rule.comment));
    if (rule.statements.length === 0) refuse(at, 'no statements');
    for (const statement of rule.statements) {
      refuse(at, statementProblem(statement, table, chain));
      for (const target of chainTargets(statement)) refuse(at, targetProblem(table, target));
    }
    refuse(at, orderProblem(rule.statements));
  }
}

function baseProblem(table: Table, base: BaseChain): Problem {
  if (!HOOKS_OF[table.family].includes(base.hook)) return `family ${table.family} has no hook ${base.hook}`;
  if (!Number.isInteger(base.priority)) return `priority ${base.priority}`;
  const onDevice = base.hook === 'ingress' || base.hook === 'egress';
  if (onDevice !== (base.device !== undefined))
    return `hook ${base.hook} ${onDevice ? 'needs a' : 'takes no'} device`;
  if (base.type === 'nat' && (onDevice || base.hook === 'forward')) return `no nat at hook ${base.hook}`;
  if (base.type === 'nat' && base.priority < LOWEST_NAT_PRIORITY)
    return 'nat before connection tracking (-200)';
  if (base.type === 'route' && base.hook !== 'output') return 'a route chain is at output only';
  return base.device === undefined ? undefined : deviceProblem(base.device);
}

function targetProblem(table: Table, name: string): Problem {
  const target = table.chains.find((chain) => chain.name === name);
  if (target === undefined) return `no chain '${name}'`;
  return target.base === undefined ? undefined : `'${name}' is a base chain`;
}

/** Nothing after a verdict is ever reached. */
function orderProblem(statements: readonly Statement[]): Problem {
  const final = (s: Statement): boolean =>
    'accept' in s || 'drop' in s || 'goto' in s || 'reject' in s || 'return' in s;
  return statements.slice(0, -1).some(final) ? 'statements behind a verdict' : undefined;
}

function refuseLoops(table: Table, place: string): void {
  const edges = new Map(table.chains.map((chain) => [chain.name, outgoing(table, chain)]));
  const visit = (name: string, path: readonly string[]): void => {
    refuse(
      place,
      path.includes(name) ? `chains jump in a circle: ${[...path, name].join(' > ')}` : undefined,
    );
    refuse(place, path.length > MAX_DEPTH ? `more than ${MAX_DEPTH} jumps: ${path.join(' > ')}` : undefined);
    for (const next of edges.get(name) ?? []) visit(next, [...path, name]);
  };
  for (const chain of table.chains) if (chain.base !== undefined) visit(chain.name, []);
}

function outgoing(table: Table, chain: Chain): Set<string> {
  const targets = new Set<string>();
  for (const statement of chain.rules.flatMap((rule) => rule.statements)) {
    for (const target of chainTargets(statement)) targets.add(target);
    if (!('vmap' in statement)) continue;
    const map = table.maps.find((candidate) => `@${candidate.name}` === statement.vmap.data);
    for (const [, value] of map?.entries ?? []) {
      if (typeof value === 'object') for (const target of chainTargets(value)) targets.add(target);
    }
  }
  return targets;
}
