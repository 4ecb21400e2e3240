import { anyOf, fib, meta, payload, prefix } from 'nftables-ts/expressions.ts';
import { PRIORITY } from 'nftables-ts/objects.ts';
import { accept, drop, match } from 'nftables-ts/statements.ts';
import type { Gate } from '../model/plan.ts';
import type { Grants } from './grants.ts';
import { from, hasOptions, isFragment, isIpv6, network, to } from './matches.ts';
import type { TableBuilder } from './table-builder.ts';

/**
 * Before the kernel puts fragments together (-400) and before connection tracking and NAT: what is malformed or lies
 * about where it comes from is gone here. Later it could not be seen any more.
 */
export function writeEarly(table: TableBuilder, gate: Gate, grants: Grants, open: boolean): void {
  const { lan, up, uplink } = gate;
  table.base('early_in', { type: 'filter', hook: 'prerouting', priority: PRIORITY.beforeDefrag }, (rule) => {
    rule('no IPv6, on any interface', 'early_ipv6', isIpv6, drop);
    if (grants.loopback) rule('the loopback has its own rules', 'early_loopback', from('lo'), accept);
    rule('fragments: nobody here needs them, and they hide ports', 'early_fragment', isFragment, drop);
    rule('IP options: source routes, record route, alerts', 'early_options', hasOptions, drop);
    rule(
      'frames that were not sent to us alone',
      'early_not_host',
      match(meta('pkttype'), 'host', '!='),
      drop,
    );
    rule(
      '127/8 has no business on a wire',
      'early_loopback_address',
      match(payload('ip', 'daddr'), prefix('127.0.0.0', 8)),
      drop,
    );
    rule(
      'broadcast and multicast: mDNS, SSDP, NetBIOS, DHCP',
      'early_broadcast',
      match(fib('type', 'daddr'), anyOf('broadcast', 'multicast', 'anycast')),
      drop,
    );
    if (open) {
      const outside = match(payload('ip', 'saddr'), network(lan.subnet), '!=');
      const ours = match(payload('ip', 'saddr'), lan.address);
      rule(
        'a workstation with an address of somewhere else',
        'early_spoofed',
        from(lan.device),
        outside,
        drop,
      );
      rule('somebody who claims to be the gate', 'early_impostor', from(lan.device), ours, drop);
      const otherSide = match(payload('ip', 'daddr'), up.address);
      rule(
        'the address of the gate on the other side',
        'early_other_side',
        from(lan.device),
        otherSide,
        drop,
      );
      rule('from the workstations', 'early_lan', from(lan.device), accept);
    }
    if (grants.tor) {
      const uplinkOnly = match(payload('ip', 'saddr'), uplink.address);
      rule('from the uplink itself, not from behind it', 'early_up', from(up.device), uplinkOnly, accept);
    }
  });
  table.base('early_out', { type: 'filter', hook: 'output', priority: PRIORITY.beforeDefrag }, (rule) => {
    rule('no IPv6, on any interface', 'early_out_ipv6', isIpv6, drop);
    rule(
      'Docker dials from the host for whoever asks its resolver; here its DNAT (-100) has not happened yet',
      'early_docker_dns',
      match(payload('ip', 'daddr'), '127.0.0.11'),
      drop,
    );
    if (grants.loopback) rule('the loopback has its own rules', 'early_out_loopback', to('lo'), accept);
    if (open) rule('towards the workstations', 'early_out_lan', to(lan.device), accept);
    if (grants.tor) rule('towards the uplink', 'early_out_up', to(up.device), accept);
  });
}
