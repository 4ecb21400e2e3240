/** Raw frames by hand: what no socket of an honest program would send. */

const TCP = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 };

export interface Probe {
  readonly name: string;
  /** hex */
  readonly frame: string;
}

export interface Macs {
  readonly from: string;
  readonly to: string;
}

interface Ip {
  readonly src?: string;
  readonly dst?: string;
  readonly protocol?: number;
  readonly payload?: Buffer;
  /** flags and offset, as on the wire */
  readonly fragment?: number;
  readonly options?: Buffer;
  readonly ttl?: number;
}

/** The probes of one workstation, all aimed at `world` unless the name says otherwise. */
export function probes(macs: Macs, own: string, gate: string, gateUp: string, world: string): Probe[] {
  const send = (name: string, ip: Ip, to = macs.to): Probe => ({
    name,
    frame: ethernet(to, macs.from, 0x0800, ipv4({ src: own, dst: world, ...ip })),
  });
  return [
    ...tcpProbes(send, own, world),
    ...udpProbes(send),
    ...[0, 3, 4, 5, 8, 9, 10, 11, 12, 13, 15, 17].map((type) =>
      send(`icmp type ${type}`, { protocol: 1, payload: icmp(type) }),
    ),
    ...[0, 2, 4, 41, 46, 47, 50, 51, 88, 89, 103, 112, 132, 33, 136, 253, 255].map((protocol) =>
      send(`protocol ${protocol}`, { protocol, payload: Buffer.alloc(24) }),
    ),
    ...fragmentProbes(send),
    ...optionProbes(send),
    ...['8.8.4.4', '10.152.152.77', gateUp, '127.0.0.1', '0.0.0.0', gate, '224.0.0.5', '255.255.255.255'].map(
      (src) => send(`spoofed source ${src}`, { src, payload: udp(9999) }),
    ),
    ...[
      gateUp,
      '127.0.0.1',
      '127.0.0.11',
      '172.31.99.3',
      '172.31.99.7',
      '10.0.0.1',
      '100.64.0.1',
      '169.254.169.254',
      '198.18.0.1',
      '224.0.0.251',
      '239.255.255.250',
      '255.255.255.255',
      '10.152.191.255',
      '240.0.0.1',
    ].map((dst) => send(`udp to ${dst}`, { dst, payload: udp(9999) })),
    ...[1, 2].map((ttl) => send(`ttl ${ttl}`, { ttl, payload: udp(33_434) })),
    send('unicast packet in a broadcast frame', { payload: udp(9999) }, 'ff:ff:ff:ff:ff:ff'),
    send('unicast packet in a multicast frame', { payload: udp(9999) }, '01:00:5e:00:00:fb'),
    ...linkProbes(macs, own, world),
    ...ipv6Probes(macs),
  ];
}

type Send = (name: string, ip: Ip, to?: string) => Probe;

function tcpProbes(send: Send, own: string, world: string): Probe[] {
  const flags = {
    syn: TCP.syn,
    ack: TCP.ack,
    'syn-ack': TCP.syn | TCP.ack,
    fin: TCP.fin,
    rst: TCP.rst,
    null: 0,
    xmas: TCP.fin | TCP.psh | TCP.urg,
    'syn-fin': TCP.syn | TCP.fin,
    'syn-rst': TCP.syn | TCP.rst,
  };
  return [
    ...Object.entries(flags).map(([name, bits], i) =>
      send(`tcp ${name}`, { protocol: 6, payload: tcp(own, world, 40_000 + i, 81, bits) }),
    ),
    ...[22, 25, 53, 80, 139, 443, 445, 853].map((port) =>
      send(`tcp syn ${port}`, { protocol: 6, payload: tcp(own, world, 41_000 + port, port, TCP.syn) }),
    ),
  ];
}

function udpProbes(send: Send): Probe[] {
  const ports = [53, 69, 123, 137, 443, 500, 853, 1194, 1900, 3478, 4500, 5353, 5355, 9999, 19_302, 51_820];
  return ports.map((port) => send(`udp ${port}`, { payload: udp(port) }));
}

function fragmentProbes(send: Send): Probe[] {
  const whole = udp(9999, 48);
  return [
    send('first fragment', { fragment: 0x2000, payload: whole.subarray(0, 24) }),
    send('last fragment', { fragment: 3, payload: whole.subarray(24) }),
    send('only a later fragment', { fragment: 100, payload: Buffer.alloc(16) }),
    send('tiny first fragment', { fragment: 0x2000, payload: whole.subarray(0, 8) }),
    send('overlapping fragment', { fragment: 1, payload: Buffer.alloc(40) }),
    send('whole, with more-fragments', { fragment: 0x2000, payload: whole }),
  ];
}

function optionProbes(send: Send): Probe[] {
  const route = [4, 1, 2, 3, 5];
  const options = {
    'loose source route': [131, 7, ...route],
    'strict source route': [137, 7, ...route],
    'record route': [7, 7, 4, 0, 0, 0, 0],
    timestamp: [68, 8, 5, 0, 0, 0, 0, 0],
    'router alert': [148, 4, 0, 0],
    'no-operation': [1, 1, 1, 0],
  };
  return Object.entries(options).map(([name, bytes]) =>
    send(`option ${name}`, { options: Buffer.from(bytes), payload: udp(9999) }),
  );
}

function linkProbes(macs: Macs, own: string, world: string): Probe[] {
  const inner = ipv4({ src: own, dst: world, payload: udp(9999) });
  const tagged = (id: number): Buffer => Buffer.concat([Buffer.of(id >> 8, id & 255, 8, 0), inner]);
  const types = {
    LLDP: 0x88cc,
    EAPOL: 0x888e,
    'PPPoE discovery': 0x8863,
    PPPoE: 0x8864,
    MPLS: 0x8847,
    RARP: 0x8035,
    unknown: 0x9000,
  };
  return [
    ...[0, 5].map((id) => ({ name: `vlan ${id}`, frame: ethernet(macs.to, macs.from, 0x8100, tagged(id)) })),
    {
      name: 'vlan in vlan',
      frame: ethernet(macs.to, macs.from, 0x88a8, Buffer.concat([Buffer.of(0, 5, 0x81, 0), tagged(6)])),
    },
    ...Object.entries(types).map(([name, type]) => ({
      name: `ethertype ${name}`,
      frame: ethernet(macs.to, macs.from, type, Buffer.alloc(46)),
    })),
  ];
}

function ipv6Probes(macs: Macs): Probe[] {
  const address = (text: string): Buffer => Buffer.from(text, 'hex');
  const own = address('fd19c33d88bc00000000000000000011');
  const local = address('fe800000000000000000000000000011');
  const world = address('20010db8000000000000000000000001');
  const packet = (next: number, payload: Buffer, src = own, dst = world): Buffer => {
    const header = Buffer.alloc(8);
    header[0] = 0x60;
    header.writeUInt16BE(payload.length, 4);
    header[6] = next;
    header[7] = 64;
    return Buffer.concat([header, src, dst, payload]);
  };
  const all = {
    udp: packet(17, udp(9999)),
    tcp: packet(6, tcp('1.1.1.1', '2.2.2.2', 4242, 80, TCP.syn)),
    'echo request': packet(58, Buffer.of(128, 0, 0, 0, 0, 1, 0, 1)),
    'router advertisement': packet(
      58,
      Buffer.concat([Buffer.of(134, 0, 0, 0, 64, 0, 7, 8), Buffer.alloc(8)]),
      local,
      address('ff020000000000000000000000000001'),
    ),
    redirect: packet(58, Buffer.concat([Buffer.of(137, 0, 0, 0), Buffer.alloc(36)]), local),
    fragment: packet(44, Buffer.concat([Buffer.of(17, 0, 0, 1, 0, 0, 0, 1), udp(9999)])),
    'hop-by-hop': packet(0, Buffer.concat([Buffer.of(17, 0, 1, 4, 0, 0, 0, 0), udp(9999)])),
    'routing header 0': packet(43, Buffer.concat([Buffer.of(17, 2, 0, 1, 0, 0, 0, 0), world, udp(9999)])),
    'link-local source': packet(17, udp(9999), local),
  };
  return Object.entries(all).map(([name, bytes]) => ({
    name: `ipv6 ${name}`,
    frame: ethernet(macs.to, macs.from, 0x86dd, bytes),
  }));
}

/** ARP request or reply; hex. */
export function arp(macs: Macs, operation: 1 | 2, sender: string, target: string): string {
  const body = Buffer.concat([
    Buffer.of(0, 1, 8, 0, 6, 4, 0, operation),
    mac(macs.from),
    dotted(sender),
    operation === 1 ? Buffer.alloc(6) : mac(macs.to),
    dotted(target),
  ]);
  return ethernet(operation === 1 ? 'ff:ff:ff:ff:ff:ff' : macs.to, macs.from, 0x0806, body);
}

/** One UDP packet in a frame; hex. */
export function udpFrame(macs: Macs, src: string, dst: string, port: number): string {
  return ethernet(macs.to, macs.from, 0x0800, ipv4({ src, dst, payload: udp(port) }));
}

/** A first packet of a TCP connection in a frame; hex. */
export function synFrame(macs: Macs, src: string, dst: string, port: number): string {
  const payload = tcp(src, dst, 45_000, port, TCP.syn);
  return ethernet(macs.to, macs.from, 0x0800, ipv4({ src, dst, protocol: 6, payload }));
}

function ethernet(to: string, from: string, type: number, payload: Buffer): string {
  const padding = Buffer.alloc(Math.max(0, 46 - payload.length));
  return Buffer.concat([mac(to), mac(from), Buffer.of(type >> 8, type & 255), payload, padding]).toString(
    'hex',
  );
}

function ipv4({
  src = '',
  dst = '',
  protocol = 17,
  payload = Buffer.alloc(0),
  fragment = 0,
  options,
  ttl = 64,
}: Ip): Buffer {
  const extra = Buffer.concat([
    options ?? Buffer.alloc(0),
    Buffer.alloc((4 - ((options?.length ?? 0) % 4)) % 4),
  ]);
  const header = Buffer.alloc(20);
  header[0] = 0x40 | (5 + extra.length / 4);
  header.writeUInt16BE(20 + extra.length + payload.length, 2);
  header.writeUInt16BE(0x4242, 4);
  header.writeUInt16BE(fragment, 6);
  header[8] = ttl;
  header[9] = protocol;
  dotted(src).copy(header, 12);
  dotted(dst).copy(header, 16);
  const whole = Buffer.concat([header, extra]);
  whole.writeUInt16BE(checksum(whole), 10);
  return Buffer.concat([whole, payload]);
}

/** Without checksum, which IPv4 allows. */
function udp(port: number, size = 12): Buffer {
  const out = Buffer.alloc(8 + size);
  out.writeUInt16BE(50_000, 0);
  out.writeUInt16BE(port, 2);
  out.writeUInt16BE(8 + size, 4);
  return out;
}

function tcp(src: string, dst: string, from: number, to: number, flags: number): Buffer {
  const out = Buffer.alloc(20);
  out.writeUInt16BE(from, 0);
  out.writeUInt16BE(to, 2);
  out.writeUInt32BE(1_000, 4);
  out[12] = 0x50;
  out[13] = flags;
  out.writeUInt16BE(64_000, 14);
  const pseudo = Buffer.concat([dotted(src), dotted(dst), Buffer.of(0, 6, 0, 20), out]);
  out.writeUInt16BE(checksum(pseudo), 16);
  return out;
}

function icmp(type: number): Buffer {
  const out = Buffer.alloc(20);
  out[0] = type;
  out.writeUInt16BE(checksum(out), 2);
  return out;
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function mac(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

function dotted(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number));
}
