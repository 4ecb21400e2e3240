/** Frames that a workstation could send and of which nothing may ever leave: written by hand, no socket sends them. */

export interface Site {
  /** hardware addresses, `02:42:…` */
  readonly from: string;
  readonly to: string;
  readonly workstation: string;
  readonly gate: string;
  /** the uplink's address towards the gate */
  readonly uplink: string;
}

export interface Probe {
  readonly kind: string;
  readonly hex: string;
  /** from the workstation's own address to the gate's: nothing on the way may drop it */
  readonly plain: boolean;
}

/** Nobody's: documentation addresses. Whatever leaves for them is ours. */
const WORLD = '198.51.100.7';
const SYN = 2;

/** Every way out that a program or an attacker on a workstation may try. */
export function probes(site: Site): Probe[] {
  const found: Probe[] = [];
  const add = (kind: string, frame: Buffer, plain = false): void =>
    void found.push({ kind, hex: frame.toString('hex'), plain });
  const ip = (kind: string, fields: Partial<Packet>): void => {
    const packet = { src: site.workstation, dst: WORLD, protocol: 17, data: udp(9_999), ...fields };
    const plain = packet.src === site.workstation && packet.dst === site.gate;
    add(kind, ethernet(site, 0x0800, ipv4(packet)), plain);
  };
  for (const port of [22, 25, 80, 135, 443, 445, 853, 8_333])
    ip('TCP', { protocol: 6, data: tcp(port, SYN) });
  for (const flags of [0, 1, 4, 16, 17, 18, 3, 41])
    ip('TCP without a flow', { protocol: 6, data: tcp(80, flags) });
  for (const port of [69, 123, 443, 500, 853, 1_194, 1_900, 3_478, 5_353, 9_999, 51_820])
    ip('UDP', { data: udp(port) });
  for (const dst of [WORLD, site.gate, '127.0.0.11'])
    ip('DNS', { dst, data: udp(53, question('example.com')) });
  for (const type of [0, 3, 5, 8, 9, 13, 17]) {
    ip('ICMP', { protocol: 1, data: icmp(type) });
    ip('ICMP', { dst: site.gate, protocol: 1, data: icmp(type) });
  }
  for (const protocol of [2, 4, 33, 41, 47, 50, 51, 89, 112, 132, 136, 255])
    ip('other protocols', { protocol });
  for (const fragment of [0x2000, 0x0001, 0x2003]) ip('fragments', { fragment });
  for (const option of [7, 68, 131, 137, 148]) ip('IP options', { options: Buffer.of(option, 4, 4, 0) });
  for (const src of ['203.0.113.9', '127.0.0.1', '0.0.0.0', site.gate, site.uplink])
    ip('other sources', { src });
  for (const dst of [
    '127.0.0.1',
    '255.255.255.255',
    '224.0.0.251',
    '169.254.169.254',
    '10.0.0.1',
    site.uplink,
  ]) {
    ip('other destinations', { dst });
    ip('other destinations', { dst, protocol: 6, data: tcp(3_128, SYN) });
  }
  for (const next of [0, 6, 17, 43, 44, 58]) add('IPv6', ethernet(site, 0x86dd, ipv6(next)));
  for (const type of [0x8100, 0x88a8, 0x8847, 0x8863, 0x888e, 0x88cc, 0x9000]) {
    add('other frames', ethernet(site, type, Buffer.alloc(46, 1)));
  }
  return found;
}

interface Packet {
  readonly src: string;
  readonly dst: string;
  readonly protocol: number;
  readonly data: Buffer;
  readonly fragment?: number;
  readonly options?: Buffer;
}

function ethernet({ from, to }: Site, type: number, payload: Buffer): Buffer {
  const padding = Buffer.alloc(Math.max(0, 46 - payload.length));
  return Buffer.concat([mac(to), mac(from), Buffer.of(type >> 8, type & 255), payload, padding]);
}

function ipv4({ src, dst, protocol, data, fragment = 0, options = Buffer.alloc(0) }: Packet): Buffer {
  const header = Buffer.concat([Buffer.alloc(20), options]);
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(header.length + data.length, 2);
  header.writeUInt16BE(fragment, 6);
  header[8] = 64;
  header[9] = protocol;
  dotted(src).copy(header, 12);
  dotted(dst).copy(header, 16);
  header.writeUInt16BE(checksum(header), 10);
  const segment = Buffer.from(data);
  if (protocol === 6) {
    const pseudo = Buffer.concat([dotted(src), dotted(dst), Buffer.of(0, 6, 0, data.length), data]);
    segment.writeUInt16BE(checksum(pseudo), 16);
  }
  return Buffer.concat([header, segment]);
}

/** From 2001:db8::1 to 2001:db8::2. */
function ipv6(next: number): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header[5] = 8;
  header[6] = next;
  header[7] = 64;
  for (const at of [8, 24]) header.writeUInt32BE(0x2001_0db8, at);
  header[23] = 1;
  header[39] = 2;
  return Buffer.concat([header, Buffer.alloc(8)]);
}

/** Without checksum, which IPv4 allows. */
function udp(port: number, data: Buffer = Buffer.alloc(12)): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(50_000, 0);
  head.writeUInt16BE(port, 2);
  head.writeUInt16BE(8 + data.length, 4);
  return Buffer.concat([head, data]);
}

function tcp(port: number, flags: number): Buffer {
  const segment = Buffer.alloc(20);
  segment.writeUInt16BE(45_000, 0);
  segment.writeUInt16BE(port, 2);
  segment[12] = 0x50;
  segment[13] = flags;
  segment.writeUInt16BE(64_000, 14);
  return segment;
}

function icmp(type: number): Buffer {
  const message = Buffer.alloc(20);
  message[0] = type;
  message.writeUInt16BE(checksum(message), 2);
  return message;
}

/** For the address of a name. */
function question(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([Buffer.of(1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0), ...labels, Buffer.of(0, 0, 1, 0, 1)]);
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function mac(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

function dotted(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number));
}
