import { ct, meta, payload, setRef } from 'nftables-ts/expressions.ts';
import { PRIORITY } from 'nftables-ts/objects.ts';
import { accept, drop, goto, match, matchFlags, setCtMark, vmap } from 'nftables-ts/statements.ts';
import type { Gate } from '../model/plan.ts';
import { type Grants, liveMarks, portElements } from './grants.ts';
import { ctState, from, isNotSyn, isSyn, to } from './matches.ts';
import type { AddRule, TableBuilder } from './table-builder.ts';

const PROTOCOLS = ['tcp', 'udp'] as const;

/** Input, forward and output at the ordinary priority: new flows by grant, running flows by mark. */
export function writeFilter(table: TableBuilder, gate: Gate, grants: Grants, open: boolean): void {
  table.set({ name: 'live', type: 'mark', elements: liveMarks(grants) });
  table.base('in', { type: 'filter', hook: 'input', priority: PRIORITY.filter }, (rule) => {
    if (grants.loopback) rule(grants.loopback.why, 'loopback_in', from('lo'), accept);
    writeFlows(rule, 'in');
    if (open) rule('a workstation knocks', 'knock', from(gate.lan.device), goto('lan'));
  });
  table.base('forward', { type: 'filter', hook: 'forward', priority: PRIORITY.filter }, () => undefined);
  table.base('out', { type: 'filter', hook: 'output', priority: PRIORITY.filter }, (rule) => {
    if (grants.loopback) rule(grants.loopback.why, 'loopback_out', to('lo'), accept);
    writeFlows(rule, 'out');
    if (grants.tor) writeTor(rule, gate, grants.tor);
  });
  if (open) writeLan(table, gate, grants);
}

/** Only replies to what a grant opened; never `related`, which helpers and ICMP could widen. */
function writeFlows(rule: AddRule, side: 'in' | 'out'): void {
  rule('packets that belong to no flow', `${side}_invalid`, ctState('invalid'), drop);
  rule(
    'a flow whose grant is still in force',
    `${side}_live`,
    ctState('established'),
    match(ct('mark'), setRef('live')),
    accept,
  );
  rule('a flow whose grant is gone', `${side}_cut`, ctState('established'), drop);
  rule('related flows and untracked packets', `${side}_unasked`, ctState('related', 'untracked'), drop);
  rule('a TCP flow begins with SYN', `${side}_not_syn`, isNotSyn, drop);
}

function writeTor(rule: AddRule, gate: Gate, tor: { readonly why: string; readonly mark: number }): void {
  rule(
    tor.why,
    'tor_dial',
    to(gate.up.device),
    match(meta('skuid'), gate.torUid),
    match(payload('ip', 'saddr'), gate.up.address),
    match(payload('ip', 'daddr'), gate.uplink.address),
    match(payload('tcp', 'dport'), gate.uplink.port),
    setCtMark(tor.mark),
    accept,
  );
}

/** The doors of the gate. Interface and address must both fit: the kernel itself would answer for any of its own. */
function writeLan(table: TableBuilder, gate: Gate, grants: Grants): void {
  for (const { id, why, mark } of [...grants.doors, ...grants.captures]) {
    table.chain(id, (rule) => rule(why, id, setCtMark(mark), accept));
  }
  for (const protocol of PROTOCOLS) {
    const doors = grants.doors.filter(({ door }) => door.protocol === protocol);
    if (doors.length === 0) continue;
    table.map({
      name: `${protocol}_doors`,
      type: 'inet_service',
      value: 'verdict',
      interval: true,
      entries: doors.flatMap(({ door, id }) =>
        portElements(door.ports).map((port) => [port, { goto: { target: id } }] as const),
      ),
    });
  }
  table.chain('lan', (rule) => {
    const elsewhere = match(payload('ip', 'daddr'), gate.lan.address, '!=');
    rule('another address of the gate, asked for on the wrong side', 'lan_elsewhere', elsewhere, drop);
    for (const { capture, id } of grants.captures) {
      const turned = matchFlags(ct('status'), 'dnat');
      const first = capture.protocol === 'tcp' ? [isSyn] : [];
      const port = match(payload(capture.protocol, 'dport'), capture.to);
      rule(
        'turned by the gate, not sent by the workstation',
        `${id}_knock`,
        turned,
        port,
        ...first,
        goto(id),
      );
    }
    for (const protocol of PROTOCOLS) {
      if (!grants.doors.some(({ door }) => door.protocol === protocol)) continue;
      rule(`the ${protocol} doors`, `lan_${protocol}`, vmap(payload(protocol, 'dport'), `${protocol}_doors`));
    }
    rule('no such door; no answer either', 'lan_denied', drop);
  });
}
