import { dnsQuery, icmp, TCP_FLAGS as TCP, udp } from '../packets/build.ts';
import { Table } from './probe.ts';

/** TCP, UDP, ICMP and every other protocol over IPv4, as a program on a workstation might send it. */
export function internetProbes(table: Table): void {
  tcpProbes(table);
  udpProbes(table);
  groupProbes(table);
  const vectorOf = (type: number): number[] => (type === 5 ? [14, 41] : type === 13 ? [14, 77] : [14]);
  for (const type of [0, 3, 4, 5, 8, 9, 10, 11, 12, 13, 15, 17]) {
    table.ip(vectorOf(type), `icmp type ${type}`, (number) => ({ protocol: 1, payload: icmp(type, number) }));
  }
  const tunnels = [4, 41, 47, 50, 51];
  for (const protocol of [0, 2, ...tunnels, 46, 88, 89, 103, 112, 132, 33, 136, 253, 255]) {
    const vector = protocol === 2 ? 15 : tunnels.includes(protocol) ? 16 : 17;
    table.ip([vector], `protocol ${protocol}`, () => ({ protocol, payload: Buffer.alloc(24) }));
  }
  for (const [type, dst] of [
    [0x16, '224.0.0.22'],
    [0x17, '224.0.0.2'],
  ] as const) {
    const payload = Buffer.concat([Buffer.of(type, 0, 0xff - type, 0xff), Buffer.from([224, 0, 0, 251])]);
    table.ip([15], `igmp type ${type}`, () => ({ dst, protocol: 2, ttl: 1, payload }), '01:00:5e:00:00:16');
  }
}

function tcpProbes(table: Table): void {
  const { world, gate, gateUp, uplink } = table.aim;
  const flags = {
    ack: TCP.ack,
    'syn-ack': TCP.syn | TCP.ack,
    fin: TCP.fin,
    'fin-ack': TCP.fin | TCP.ack,
    rst: TCP.rst,
    null: 0,
    xmas: TCP.fin | TCP.psh | TCP.urg,
    'syn-fin': TCP.syn | TCP.fin,
    'syn-rst': TCP.syn | TCP.rst,
  };
  for (const [name, bits] of Object.entries(flags)) table.tcp([2, 75], `tcp ${name}`, world, 81, bits);
  for (const port of [22, 80, 81, 6667, 9001]) table.tcp([1], `tcp syn ${port}`, world, port, TCP.syn);
  for (const port of [25, 137, 139, 445]) table.tcp([3], `tcp syn ${port}`, world, port, TCP.syn);
  table.tcp([10], 'dns by tcp', '8.8.8.8', 53, TCP.syn);
  for (const port of [443, 853]) table.tcp([11], `dns over tls or https, ${port}`, '8.8.8.8', port, TCP.syn);
  for (const port of [9050, 9051, 8118, 3128]) {
    table.tcp([24], `tcp syn to the gate's other address, ${port}`, gateUp, port, TCP.syn);
  }
  for (const port of [9051, 9052, 9040]) table.tcp([25], `tcp syn to the gate, ${port}`, gate, port, TCP.syn);
  table.tcp([66], 'tcp syn to the uplink', uplink, 3128, TCP.syn);
  table.tcp([23], 'tcp syn to 127.0.0.1', '127.0.0.1', 9050, TCP.syn);
  for (const host of table.aim.hosts)
    table.tcp([26, 67], `tcp syn to the host at ${host}`, host, 22, TCP.syn);
}

function udpProbes(table: Table): void {
  const { world, gate, gateUp, hosts } = table.aim;
  const ports: Readonly<Record<number, number>> = {
    443: 5,
    853: 5,
    123: 6,
    3478: 7,
    19302: 7,
    69: 8,
    137: 8,
    500: 8,
    1194: 8,
    1900: 8,
    4500: 8,
    51820: 8,
    5353: 4,
    5355: 4,
    9999: 4,
  };
  for (const [port, vector] of Object.entries(ports)) {
    table.udp([vector], `udp ${port}`, world, Number(port));
  }
  for (const resolver of ['8.8.8.8', gate, ...hosts]) {
    table.udp([9], `dns to ${resolver}`, resolver, 53, dnsQuery(table.probes.length, 'example.com'));
  }
  for (const loopback of ['127.0.0.1', '127.0.0.11']) {
    table.udp([23], `dns to ${loopback}`, loopback, 53, dnsQuery(table.probes.length, 'example.com'));
  }
  for (const host of [gateUp, ...hosts]) table.udp([26], `udp to ${host}`, host, 9999);
  for (const dst of [
    '10.0.0.1',
    '192.168.1.1',
    '172.16.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '198.18.0.1',
  ]) {
    table.udp([27], `udp to ${dst}`, dst, 9999);
  }
  table.udp([27], 'udp to 240.0.0.1', '240.0.0.1', 9999);
  table.udp([13], 'dhcp request to a server', gate, 67);
  table.ip(
    [13],
    'dhcp discover',
    () => ({ src: '0.0.0.0', dst: '255.255.255.255', payload: udp(68, 67) }),
    'ff:ff:ff:ff:ff:ff',
  );
  for (const ttl of [0, 1, 2]) {
    table.ip([21], `ttl ${ttl}`, (number) => ({ ttl, payload: udp(Table.port(number), 33_434) }));
  }
}

function groupProbes(table: Table): void {
  const { lanBroadcast, upBroadcast } = table.aim;
  for (const [name, dst, port] of [
    ['mdns', '224.0.0.251', 5353],
    ['llmnr', '224.0.0.252', 5355],
    ['ssdp', '239.255.255.250', 1900],
    ['netbios', lanBroadcast, 137],
  ] as const) {
    table.udp([12], `${name} to its group`, dst, port);
  }
  table.udp([6], 'ntp to its group', '224.0.1.1', 123);
  for (const dst of [lanBroadcast, upBroadcast, '255.255.255.255']) {
    table.udp([28], `broadcast to ${dst}`, dst, 9999);
    table.ip([28], `broadcast to ${dst} in a unicast frame`, (number) => ({
      dst,
      payload: udp(Table.port(number), 9999),
    }));
  }
  const unicast = (number: number) => ({ payload: udp(Table.port(number), 9999) });
  table.ip([29], 'unicast packet in a broadcast frame', unicast, 'ff:ff:ff:ff:ff:ff');
  table.ip([29], 'unicast packet in a multicast frame', unicast, '01:00:5e:00:00:fb');
}
