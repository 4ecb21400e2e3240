import { meta, payload } from 'nftables-ts/expressions.ts';
import { accept, drop, match } from 'nftables-ts/statements.ts';
import type { Gate } from '../model/plan.ts';
import type { Grants } from './grants.ts';
import { network } from './matches.ts';
import type { TableBuilder } from './table-builder.ts';

/** Before every other netdev chain: nothing of ours or others' runs earlier. */
const WIRE_PRIORITY = -500;

/** A device in a state in which nothing may pass it, ARP included. */
export function writeDeadWire(table: TableBuilder, device: string, name: string): void {
  for (const hook of ['ingress', 'egress'] as const) {
    const chain = `${name}_${hook}`;
    table.base(chain, { type: 'filter', hook, priority: WIRE_PRIORITY, device }, () => undefined);
  }
}

/**
 * The side of the workstations, frame by frame. Only ARP and IPv4 exist. Answers of captured flows carry the address
 * that the workstation asked for, so the source of outgoing packets is free, but for the gate's address on the other
 * side. ARP is answered for the gate's address on this side only.
 */
export function writeLanWire(table: TableBuilder, gate: Gate): void {
  const { device, address, subnet } = gate.lan;
  table.base('lan_ingress', { type: 'filter', hook: 'ingress', priority: WIRE_PRIORITY, device }, (rule) => {
    rule(
      'ARP that claims the address of the gate',
      'lan_arp_impostor',
      match(payload('arp', 'saddr ip'), address),
      drop,
    );
    rule(
      'ARP of a workstation for the gate',
      'lan_arp_in',
      match(payload('arp', 'saddr ip'), network(subnet)),
      match(payload('arp', 'daddr ip'), address),
      accept,
    );
    rule('IPv4: the other chains decide', 'lan_ipv4_in', match(meta('protocol'), 'ip'), accept);
  });
  table.base('lan_egress', { type: 'filter', hook: 'egress', priority: WIRE_PRIORITY, device }, (rule) => {
    rule(
      'ARP of the gate, under its own address on this side',
      'lan_arp_out',
      match(payload('arp', 'saddr ip'), address),
      match(payload('arp', 'daddr ip'), network(subnet)),
      accept,
    );
    rule(
      'the gate must not show its other address',
      'lan_identity',
      match(payload('ip', 'saddr'), gate.up.address),
      drop,
    );
    rule('IPv4 to workstations', 'lan_ipv4_out', match(payload('ip', 'daddr'), network(subnet)), accept);
  });
}

/** The side of the uplink: TCP between the gate and the one port of the uplink. This also binds raw sockets. */
export function writeUpWire(table: TableBuilder, gate: Gate, grants: Grants): void {
  const { device, address } = gate.up;
  if (grants.tor === undefined) {
    writeDeadWire(table, device, 'up');
    return;
  }
  const { address: peer, port } = gate.uplink;
  table.base('up_ingress', { type: 'filter', hook: 'ingress', priority: WIRE_PRIORITY, device }, (rule) => {
    rule(
      'ARP of the uplink for the gate',
      'up_arp_in',
      match(payload('arp', 'saddr ip'), peer),
      match(payload('arp', 'daddr ip'), address),
      accept,
    );
    rule(
      'TCP from the port of the uplink',
      'up_tcp_in',
      match(payload('ip', 'saddr'), peer),
      match(payload('ip', 'daddr'), address),
      match(payload('tcp', 'sport'), port),
      accept,
    );
  });
  table.base('up_egress', { type: 'filter', hook: 'egress', priority: WIRE_PRIORITY, device }, (rule) => {
    rule(
      'ARP of the gate for the uplink',
      'up_arp_out',
      match(payload('arp', 'saddr ip'), address),
      match(payload('arp', 'daddr ip'), peer),
      accept,
    );
    rule(
      'TCP to the port of the uplink',
      'up_tcp_out',
      match(payload('ip', 'saddr'), address),
      match(payload('ip', 'daddr'), peer),
      match(payload('tcp', 'dport'), port),
      accept,
    );
  });
}
