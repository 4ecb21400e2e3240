import { PRIORITY, type Table } from 'nftables-ts/objects.ts';
import type { Site } from '../model/plan.ts';
import { writeEarly } from './early.ts';
import { writeFilter } from './filter.ts';
import { grantsOf } from './grants.ts';
import { writeNat } from './nat.ts';
import { TableBuilder } from './table-builder.ts';
import { writeDeadWire, writeLanWire, writeUpWire } from './wire.ts';

/** The two tables of a state, whole. The same site gives the same tables. */
export function compile(site: Site): Table[] {
  return site.state === 'sealed' ? compileSealed(site.devices) : compileGate(site);
}

/** Deny all: every hook there is, every interface there is, and nothing but counted drops. */
function compileSealed(devices: readonly string[]): Table[] {
  const inet = new TableBuilder('inet');
  for (const hook of ['prerouting', 'output'] as const) {
    const name = hook === 'output' ? 'early_out' : 'early_in';
    inet.base(name, { type: 'filter', hook, priority: PRIORITY.beforeDefrag }, () => undefined);
  }
  for (const [name, hook] of [
    ['in', 'input'],
    ['forward', 'forward'],
    ['out', 'output'],
  ] as const) {
    inet.base(name, { type: 'filter', hook, priority: PRIORITY.filter }, () => undefined);
  }
  const netdev = new TableBuilder('netdev');
  for (const [index, device] of devices.toSorted().entries()) writeDeadWire(netdev, device, `wire${index}`);
  return [inet.table(), netdev.table()];
}

function compileGate(site: Exclude<Site, { readonly state: 'sealed' }>): Table[] {
  const { state, policy, gate, generation } = site;
  const open = state === 'open' && policy.doors.length + policy.captures.length > 0;
  const grants = grantsOf(state, policy, gate, generation);
  const inet = new TableBuilder('inet');
  writeEarly(inet, gate, grants, open);
  if (open) writeNat(inet, gate, policy, grants);
  writeFilter(inet, gate, grants, open);
  const netdev = new TableBuilder('netdev');
  if (open) writeLanWire(netdev, gate);
  else writeDeadWire(netdev, gate.lan.device, 'lan');
  writeUpWire(netdev, gate, grants);
  return [inet.table(), netdev.table()];
}
