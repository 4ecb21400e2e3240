import type { Left, Right, Selector } from './expressions.ts';
import { CT_KEYS, CT_TUPLE_KEYS, FIB_FLAGS, FIB_RESULTS, META_KEYS, PAYLOAD_FIELDS } from './fields.ts';
import type { Chain, Element, ElementType, Table } from './objects.ts';
import type { Statement, Verdict } from './statements.ts';
import { deviceProblem, elementProblem, type Problem } from './values.ts';

/** Chains that a statement may go on to by name. */
export function chainTargets(statement: Statement | Verdict): string[] {
  if ('jump' in statement) return [statement.jump.target];
  return 'goto' in statement ? [statement.goto.target] : [];
}

/** Why a statement cannot be in this chain of this table; undefined when it can. */
export function statementProblem(statement: Statement, table: Table, chain: Chain): Problem {
  if ('match' in statement) {
    const { left, right } = statement.match;
    return leftProblem(left) ?? rightProblem(left, right, table);
  }
  if ('counter' in statement) {
    const known = table.counters.some((counter) => counter.name === statement.counter);
    return known ? undefined : `no counter '${statement.counter}'`;
  }
  if ('limit' in statement) {
    const { rate, burst } = statement.limit;
    return positive(rate) && positive(burst) ? undefined : `a limit of ${rate} with burst ${burst}`;
  }
  if ('vmap' in statement) {
    return leftProblem(statement.vmap.key) ?? mapProblem(statement.vmap.data, table, true);
  }
  if ('redirect' in statement) return redirectProblem(statement.redirect.port, table, chain);
  if ('mangle' in statement) {
    const { value } = statement.mangle;
    return Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff ? undefined : `the mark ${value}`;
  }
  return undefined;
}

function positive(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= 0xffff_ffff;
}

type RedirectPort = Extract<Statement, { readonly redirect: unknown }>['redirect']['port'];

function redirectProblem(port: RedirectPort, table: Table, chain: Chain): Problem {
  if (chain.base !== undefined && chain.base.type !== 'nat') return 'redirect outside a nat chain';
  if (typeof port === 'object')
    return selectorProblem(port.map.key) ?? mapProblem(port.map.data, table, false);
  return positive(port) && port <= 0xffff ? undefined : `a redirect to port ${port}`;
}

function mapProblem(reference: string, table: Table, verdicts: boolean): Problem {
  const map = table.maps.find((candidate) => `@${candidate.name}` === reference);
  if (map === undefined) return `no map '${reference}'`;
  return (map.value === 'verdict') === verdicts ? undefined : `'${reference}' holds ${map.value}`;
}

function leftProblem(left: Left): Problem {
  if ('concat' in left) {
    if (left.concat.length < 2) return 'a concatenation of one';
    return left.concat.map(selectorProblem).find((problem) => problem !== undefined);
  }
  return selectorProblem('&' in left ? left['&'][0] : left);
}

function selectorProblem(selector: Selector): Problem {
  if ('meta' in selector) return known(META_KEYS, selector.meta.key, 'meta');
  if ('fib' in selector) {
    if (selector.fib.flags.length === 0) return 'fib without flags';
    return (
      known(FIB_RESULTS, selector.fib.result, 'fib') ??
      selector.fib.flags.map((flag) => known(FIB_FLAGS, flag, 'fib')).find((problem) => problem !== undefined)
    );
  }
  if ('ct' in selector) {
    return 'dir' in selector.ct
      ? known(CT_TUPLE_KEYS, selector.ct.key, 'ct')
      : known(CT_KEYS, selector.ct.key, 'ct');
  }
  if ('base' in selector.payload) return undefined;
  const fields: readonly string[] | undefined = PAYLOAD_FIELDS[selector.payload.protocol];
  if (fields === undefined) return `unknown protocol ${selector.payload.protocol}`;
  return known(fields, selector.payload.field, selector.payload.protocol);
}

function known(all: readonly string[], key: string, what: string): Problem {
  return all.includes(key) ? undefined : `unknown ${what} '${key}'`;
}

function rightProblem(left: Left, right: Right, table: Table): Problem {
  if (typeof right === 'string' && right.startsWith('@')) {
    const found = [...table.sets, ...table.maps].some((set) => `@${set.name}` === right);
    return found ? undefined : `no set '${right}'`;
  }
  if (typeof right === 'object' && 'set' in right) {
    if (right.set.length < 2) return 'an anonymous set of fewer than two members';
    return right.set.map((member) => valueProblem(left, member)).find((problem) => problem !== undefined);
  }
  if (isFlagList(right)) return right.length < 2 ? 'a flag list of fewer than two' : undefined;
  return valueProblem(left, right);
}

function isFlagList(right: Right): right is readonly string[] {
  return Array.isArray(right);
}

/** Values compared with addresses, ports, marks and interface names are checked by type; the rest by shape. */
function valueProblem(left: Left, value: Element): Problem {
  const type = valueType(left);
  if (type === undefined) {
    return typeof value === 'string' && !/^[A-Za-z0-9_.-]+$/.test(value) ? `the value '${value}'` : undefined;
  }
  if (type === 'ifname' && typeof value === 'string') return deviceProblem(value);
  return elementProblem(value, type, true);
}

function valueType(left: Left): ElementType | undefined {
  if ('payload' in left && 'field' in left.payload)
    return fieldType(left.payload.protocol, left.payload.field);
  if ('meta' in left) {
    if (left.meta.key === 'iifname' || left.meta.key === 'oifname') return 'ifname';
    if (left.meta.key === 'mark') return 'mark';
  }
  if ('ct' in left && left.ct.key === 'mark') return 'mark';
  if ('ct' in left && (left.ct.key === 'ip saddr' || left.ct.key === 'ip daddr')) return 'ipv4_addr';
  return undefined;
}

function fieldType(protocol: string, field: string): ElementType | undefined {
  if (field === 'sport' || field === 'dport') return 'inet_service';
  if (field === 'saddr ip' || field === 'daddr ip') return 'ipv4_addr';
  if (field === 'saddr ether' || field === 'daddr ether') return 'ether_addr';
  if (field !== 'saddr' && field !== 'daddr') return undefined;
  if (protocol === 'ip') return 'ipv4_addr';
  return protocol === 'ip6' ? 'ipv6_addr' : 'ether_addr';
}
