import { ethernet, ipv6, TCP_FLAGS, tcp, udp } from '../packets/build.ts';
import type { Table } from './probe.ts';

const OWN = 'fd19c33d88bc00000000000000000011';
const LOCAL = 'fe800000000000000000000000000011';
const GATE_LOCAL = 'fe800000000000000000000000000010';
const WORLD = '20010db8000000000000000000000001';
const ALL_NODES = 'ff020000000000000000000000000001';
const ALL_ROUTERS = 'ff020000000000000000000000000002';
const MDNS = 'ff0200000000000000000000000000fb';
const NODES_MAC = '33:33:00:00:00:01';
const ROUTERS_MAC = '33:33:00:00:00:02';

/** Next header 58, without checksum: the reader that is to stop it does not look at that. */
function icmp6(type: number, rest: Buffer = Buffer.alloc(4)): Buffer {
  return Buffer.concat([Buffer.of(type, 0, 0, 0), rest]);
}

export function ipv6Probes(table: Table): void {
  const world = (next: number, payload: Buffer, src = OWN) => ({ src, dst: WORLD, next, payload });
  const datagram = udp(50_000, 9999);
  table.ip6([36], 'ipv6 udp', world(17, datagram));
  table.ip6([36], 'ipv6 dns', world(17, udp(50_000, 53)));
  const syn = tcp({ src: '1.1.1.1', dst: '2.2.2.2', from: 4242, to: 80, flags: TCP_FLAGS.syn });
  table.ip6([36], 'ipv6 tcp', world(6, syn));
  table.ip6([36], 'ipv6 echo request', world(58, icmp6(128)));
  table.ip6([36], 'ipv6 in ipv6', world(41, ipv6({ ...world(17, datagram) })));
  table.ip6([37], 'ipv6 link-local source', world(17, datagram, LOCAL));
  table.ip6([37], 'ipv6 to the gate, link-local', {
    src: LOCAL,
    dst: GATE_LOCAL,
    next: 58,
    payload: icmp6(128),
  });
  const first = Buffer.concat([Buffer.of(17, 0, 0, 1, 0, 0, 0, 1), datagram]);
  const later = Buffer.concat([Buffer.of(17, 0, 0, 8, 0, 0, 0, 1), Buffer.alloc(16)]);
  table.ip6([38], 'ipv6 first fragment', world(44, first));
  table.ip6([38], 'ipv6 later fragment', world(44, later));
  const padded = Buffer.concat([Buffer.of(17, 0, 1, 4, 0, 0, 0, 0), datagram]);
  table.ip6([38], 'ipv6 hop-by-hop', world(0, padded));
  table.ip6([38], 'ipv6 destination options', world(60, padded));
  const route = Buffer.concat([Buffer.of(17, 2, 0, 1, 0, 0, 0, 0), Buffer.from(WORLD, 'hex'), datagram]);
  table.ip6([38], 'ipv6 routing header 0', world(43, route));
  table.ip6([38], 'ipv6 no next header', world(59, Buffer.alloc(8)));
  const advertisement = icmp6(134, Buffer.concat([Buffer.of(64, 0, 7, 8), Buffer.alloc(8)]));
  const own = (dst: string, payload: Buffer) => ({ src: LOCAL, dst, next: 58, payload, hops: 255 });
  table.ip6([39], 'ipv6 router advertisement', own(ALL_NODES, advertisement), NODES_MAC);
  table.ip6([40], 'ipv6 router solicitation', own(ALL_ROUTERS, icmp6(133)), ROUTERS_MAC);
  const solicited = Buffer.concat([Buffer.alloc(4), Buffer.from(GATE_LOCAL, 'hex')]);
  table.ip6([40], 'ipv6 neighbour solicitation', own(ALL_NODES, icmp6(135, solicited)), NODES_MAC);
  table.ip6([40], 'ipv6 listener report', own(ALL_ROUTERS, icmp6(143, Buffer.alloc(24))), ROUTERS_MAC);
  const turn = Buffer.concat([Buffer.alloc(4), Buffer.from(LOCAL + WORLD, 'hex')]);
  table.ip6([41], 'ipv6 redirect', own(OWN, icmp6(137, turn)));
  table.ip6(
    [12],
    'ipv6 mdns',
    { src: LOCAL, dst: MDNS, next: 17, payload: udp(5353, 5353) },
    '33:33:00:00:00:fb',
  );
  table.add([37], 'ipv6 with version 4 in its header', (flow) => {
    const packet = ipv6({ ...world(17, datagram), flow });
    packet.writeUInt8(0x40, 0);
    return [ethernet(table.aim.macs.to, table.aim.macs.from, 0x86dd, packet)];
  });
}
