import { anyOf, payload } from 'nftables-ts/expressions.ts';
import { PRIORITY } from 'nftables-ts/objects.ts';
import { accept, drop, match, redirect, type Statement } from 'nftables-ts/statements.ts';
import type { Gate } from '../model/plan.ts';
import type { Policy, Ports } from '../model/policy.ts';
import { type Grants, idOf, portElements } from './grants.ts';
import { from, isSyn } from './matches.ts';
import type { AddRule, TableBuilder } from './table-builder.ts';

/** What workstations send to anywhere and where it is turned to. Runs once for each new flow. */
export function writeNat(table: TableBuilder, gate: Gate, policy: Policy, grants: Grants): void {
  const { lan } = gate;
  table.base('nat_in', { type: 'nat', hook: 'prerouting', priority: PRIORITY.dstnat }, (rule) => {
    if (grants.loopback) rule('the loopback is not redirected', 'nat_loopback', from('lo'), accept);
    writeCaptures(rule, gate, grants, 'udp');
    const own = match(payload('ip', 'daddr'), lan.address);
    rule('for the gate itself: its doors decide', 'nat_own', from(lan.device), own, accept);
    for (const refusal of policy.refusals) {
      rule(
        refusal.why,
        idOf('refused', refusal.name),
        from(lan.device),
        portMatch(refusal.protocol, refusal.ports),
        drop,
      );
    }
    writeCaptures(rule, gate, grants, 'tcp');
  });
}

/** UDP goes first: a workstation may ask the gate's own address for names. TCP to the gate itself is never captured. */
function writeCaptures(rule: AddRule, gate: Gate, grants: Grants, protocol: 'tcp' | 'udp'): void {
  for (const { capture, id, why } of grants.captures) {
    if (capture.protocol !== protocol) continue;
    const onPorts = capture.ports === 'all' ? [] : [portMatch(protocol, capture.ports)];
    const first =
      protocol === 'tcp' ? [isSyn] : onPorts.length === 0 ? [match(payload('udp', 'dport'), 0, '!=')] : [];
    rule(why, `${id}_turned`, from(gate.lan.device), ...onPorts, ...first, redirect(capture.to));
  }
}

/** A port is a number, a range, or an anonymous set of both. */
export function portMatch(protocol: 'tcp' | 'udp', ports: Ports): Statement {
  const [first, ...others] = portElements(ports);
  if (first === undefined) throw new RangeError('no ports');
  return match(payload(protocol, 'dport'), others.length === 0 ? first : anyOf(first, ...others));
}
