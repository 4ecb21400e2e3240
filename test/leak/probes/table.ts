import { type Ipv4, type Packet, readIpv4 } from '../packets/read.ts';
import { internetProbes } from './internet.ts';
import { ipv6Probes } from './ipv6.ts';
import { oddProbes } from './odd.ts';
import { type Aim, type Probe, Table } from './probe.ts';

/** Everything that a workstation tries on the gate, each probe once. */
export function probesOfWorkstation(aim: Aim): readonly Probe[] {
  const table = new Table(aim);
  internetProbes(table);
  oddProbes(table);
  ipv6Probes(table);
  return table.probes;
}

/**
 * The probes that a captured packet may come from: the packet itself, an answer to it, or an error that quotes it.
 * Used to say what the sniffer can see, never to excuse a packet.
 */
export function causes(packet: Packet): readonly number[] {
  switch (packet.kind) {
    case 'ipv6':
      return [packet.flow];
    case 'arp':
      return [];
    case 'ipv4':
      return [packet.id, ...answered(packet), ...quoted(packet)];
  }
}

/** Table.port turned around. */
function answered({ dstPort, protocol, body }: Ipv4): number[] {
  if (protocol === 1 && body.length >= 6) return [body.readUInt16BE(4)];
  return dstPort === 0 ? [] : [dstPort + 0x8000];
}

function quoted({ protocol, body }: Ipv4): number[] {
  if (protocol !== 1 || body.length < 28) return [];
  const inner = readIpv4(body.subarray(8));
  return inner === undefined ? [] : [inner.id];
}
