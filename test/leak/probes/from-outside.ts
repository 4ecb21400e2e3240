import { arp, dnsQuery, type Ip, icmp, TCP_FLAGS, tcp, udp } from '../packets/build.ts';
import { type Aim, type Probe, Table } from './probe.ts';

/**
 * What the uplink's side may try on the gate. `aim.macs` are those of that side, `aim.own` is the uplink's address;
 * none of these may be answered, nor reach a workstation.
 */
export function probesFromOutside(aim: Aim, workstation: string): readonly Probe[] {
  const table = new Table(aim);
  const { gate, gateUp, uplink, own, world } = aim;
  const syn = (vectors: number[], name: string, dst: string, port: number): void =>
    table.tcp(vectors, name, dst, port, TCP_FLAGS.syn);
  for (const port of [8118, 9050, 9051, 9040, 22]) syn([72], `outside: syn to ${port}`, gateUp, port);
  for (const port of [8118, 9050]) syn([72], `outside: syn to the lan address, ${port}`, gate, port);
  for (const [name, flags] of Object.entries({ ack: 16, 'syn-ack': 18, fin: 17, rst: 4 })) {
    const segment = { src: own, dst: gateUp, from: 3128, flags };
    table.ip([44, 75], `outside: ${name} of a flow that is not`, (number) => ({
      dst: gateUp,
      protocol: 6,
      payload: tcp({ ...segment, to: Table.port(number) }),
    }));
  }
  const ip = (vectors: number[], name: string, packet: Ip): void => table.ip(vectors, name, () => packet);
  ip([14, 72], 'outside: echo request', { dst: gateUp, protocol: 1, payload: icmp(8) });
  ip([44], 'outside: echo reply to a workstation', { dst: workstation, protocol: 1, payload: icmp(0) });
  ip([77], 'outside: icmp timestamp', { dst: gateUp, protocol: 1, payload: icmp(13) });
  ip([72], 'outside: to a workstation', { src: world, dst: workstation, payload: udp(53, 50_000) });
  ip([22], 'outside: as a workstation', { src: workstation, dst: gateUp, payload: udp(50_000, 9999) });
  ip([22], 'outside: as the gate', { src: gate, dst: gateUp, payload: udp(50_000, 9999) });
  ip([22], 'outside: as 127.0.0.1', { src: '127.0.0.1', dst: gateUp, payload: udp(50_000, 9999) });
  const question = dnsQuery(1, 'example.com');
  for (const port of [53, 5300]) {
    ip([9, 72], `outside: dns to ${port}`, { dst: gateUp, payload: udp(50_000, port, question) });
  }
  ip([18], 'outside: a later fragment', { dst: gateUp, fragment: 100, payload: Buffer.alloc(16) });
  ip([4], 'outside: udp', { dst: gateUp, payload: udp(50_000, 9999) });
  for (const target of [gate, workstation]) {
    table.add([30], `outside: arp for ${target}`, () => [arp(aim.macs, 1, uplink, target)]);
  }
  return table.probes;
}
