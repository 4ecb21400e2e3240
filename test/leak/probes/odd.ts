import { arp, BROADCAST, ethernet, ipv4, TCP_FLAGS, tcp, udp } from '../packets/build.ts';
import { Table } from './probe.ts';

/** What only a hand-made frame is: fragments, options, false sources, other link protocols, ARP. */
export function oddProbes(table: Table): void {
  fragmentProbes(table);
  optionProbes(table);
  spoofProbes(table);
  linkProbes(table);
  arpProbes(table);
  brokenProbes(table);
}

function fragmentProbes(table: Table): void {
  const whole = udp(50_000, 9999, Buffer.alloc(48));
  const one = (name: string, fragment: number, payload: Buffer): void =>
    table.ip([18], name, () => ({ fragment, payload }));
  table.add([18], 'both fragments', (id) => [
    table.frame({ id, fragment: 0x2000, payload: whole.subarray(0, 24) }),
    table.frame({ id, fragment: 3, payload: whole.subarray(24) }),
  ]);
  table.add([18], 'overlapping fragments', (id) => [
    table.frame({ id, fragment: 0x2000, payload: whole.subarray(0, 24) }),
    table.frame({ id, fragment: 2, payload: whole.subarray(16) }),
  ]);
  one('first fragment', 0x2000, whole.subarray(0, 24));
  one('only a later fragment', 100, Buffer.alloc(16));
  one('tiny first fragment', 0x2000, whole.subarray(0, 8));
  one('whole, with more-fragments', 0x2000, whole);
  one("don't-fragment and more-fragments", 0x6000, whole);
}

function optionProbes(table: Table): void {
  const { gate, own, world } = table.aim;
  const route = [4, ...world.split('.').map(Number)];
  const options: Readonly<Record<string, { vector: number; bytes: readonly number[] }>> = {
    'loose source route': { vector: 19, bytes: [131, 7, ...route] },
    'strict source route': { vector: 19, bytes: [137, 7, ...route] },
    'record route': { vector: 20, bytes: [7, 7, 4, 0, 0, 0, 0] },
    timestamp: { vector: 20, bytes: [68, 8, 5, 0, 0, 0, 0, 0] },
    'router alert': { vector: 20, bytes: [148, 4, 0, 0] },
    'no-operation': { vector: 20, bytes: [1, 1, 1, 0] },
  };
  for (const [name, { vector, bytes }] of Object.entries(options)) {
    table.ip([vector], `option ${name}`, (number) => ({
      options: Buffer.from(bytes),
      payload: udp(Table.port(number), 9999),
    }));
  }
  for (const kind of [131, 137]) {
    table.ip([19], `to the gate, to be routed on by option ${kind}`, (number) => ({
      dst: gate,
      options: Buffer.from([kind, 7, ...route]),
      protocol: 6,
      payload: tcp({ src: own, dst: gate, from: Table.port(number), to: 8118, flags: TCP_FLAGS.syn }),
    }));
  }
}

function spoofProbes(table: Table): void {
  const { gate, gateUp, uplink, hosts } = table.aim;
  const sources = ['8.8.4.4', '10.152.152.77', gateUp, uplink, '127.0.0.1', '0.0.0.0', gate, '224.0.0.5'];
  for (const src of [...sources, '255.255.255.255', ...hosts]) {
    table.ip([22], `false source ${src}`, (number) => ({ src, payload: udp(Table.port(number), 9999) }));
  }
  table.ip([22], 'false source: the uplink, answering Tor', (number) => ({
    src: uplink,
    dst: gateUp,
    protocol: 6,
    payload: tcp({ src: uplink, dst: gateUp, from: 3128, to: Table.port(number), flags: TCP_FLAGS.ack }),
  }));
  table.ip([22], "false source: Tor's own way to the uplink", (number) => ({
    src: gateUp,
    dst: uplink,
    protocol: 6,
    payload: tcp({ src: gateUp, dst: uplink, from: Table.port(number), to: 3128, flags: TCP_FLAGS.syn }),
  }));
}

function linkProbes(table: Table): void {
  const { macs, own, world } = table.aim;
  const link = (
    vector: number,
    name: string,
    type: number,
    body: (number: number) => Buffer,
    to = macs.to,
  ): void => table.add([vector], name, (number) => [ethernet(to, macs.from, type, body(number))]);
  const inner = (id: number): Buffer =>
    ipv4({ id, src: own, dst: world, payload: udp(Table.port(id), 9999) });
  const tagged = (vlan: number, id: number): Buffer =>
    Buffer.concat([Buffer.of(vlan >> 8, vlan & 255, 8, 0), inner(id)]);
  link(33, 'vlan 0', 0x8100, (id) => tagged(0, id));
  link(34, 'vlan 5', 0x8100, (id) => tagged(5, id));
  link(34, 'vlan in vlan', 0x88a8, (id) => Buffer.concat([Buffer.of(0, 5, 0x81, 0), tagged(6, id)]));
  link(34, 'vlan 0 in vlan 0', 0x88a8, (id) => Buffer.concat([Buffer.of(0, 0, 0x81, 0), tagged(0, id)]));
  link(35, 'mpls with a packet', 0x8847, (id) => Buffer.concat([Buffer.of(0, 1, 1, 64), inner(id)]));
  const types = { LLDP: 0x88cc, EAPOL: 0x888e, 'PPPoE discovery': 0x8863, PPPoE: 0x8864, RARP: 0x8035 };
  for (const [name, type] of Object.entries(types))
    link(35, `ethertype ${name}`, type, () => Buffer.alloc(46));
  for (const type of [0x9000, 0x88b5, 0x0805]) {
    link(35, `ethertype ${type.toString(16)}`, type, () => Buffer.alloc(46));
  }
  // 802.3 with a length instead of a type: the spanning tree's own frame.
  const hello = Buffer.concat([Buffer.of(0x42, 0x42, 3), Buffer.alloc(35)]);
  link(35, 'spanning tree', 38, () => hello, '01:80:c2:00:00:00');
}

function arpProbes(table: Table): void {
  const { macs, own, gate, gateUp, uplink, world, hosts } = table.aim;
  for (const target of [gateUp, '127.0.0.1']) {
    table.add([30], `arp for ${target}`, () => [arp(macs, 1, own, target)]);
  }
  for (const target of [uplink, world, '10.152.152.99', ...hosts]) {
    table.add([32], `arp for ${target}`, () => [arp(macs, 1, own, target)]);
  }
  table.add([31], 'arp: the gate is here, asked', () => [arp(macs, 1, gate, gate)]);
  table.add([31], 'arp: the gate is here, said', () => [arp(macs, 2, gate, gate)]);
  table.add([31], 'arp: the uplink is here', () => [arp(macs, 2, uplink, gateUp)]);
  table.add([30], 'arp from a foreign address', () => [arp(macs, 1, '8.8.4.4', gate)]);
}

/** Headers that no kernel may take for good. */
function brokenProbes(table: Table): void {
  const { macs } = table.aim;
  const broken = (name: string, change: (packet: Buffer) => void): void =>
    table.add([], name, (id) => {
      const packet = ipv4({
        id,
        src: table.aim.own,
        dst: table.aim.world,
        payload: udp(Table.port(id), 9999),
      });
      change(packet);
      return [ethernet(macs.to, macs.from, 0x0800, packet)];
    });
  broken('false checksum', (packet) => packet.writeUInt16BE(0xdead, 10));
  broken('version 5', (packet) => packet.writeUInt8(0x55, 0));
  broken('header longer than the packet', (packet) => packet.writeUInt8(0x4f, 0));
  broken('longer than the frame', (packet) => packet.writeUInt16BE(9_000, 2));
  table.add([35], 'a frame that is only a header', () => [
    ethernet(BROADCAST, macs.from, 0x0800, Buffer.alloc(0)),
  ]);
}
