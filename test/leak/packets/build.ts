/** Frames by hand: what no socket of an honest program would send. */

export const TCP_FLAGS = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 };

export interface Macs {
  readonly from: string;
  readonly to: string;
}

export interface Ip {
  readonly src?: string;
  readonly dst?: string;
  readonly protocol?: number;
  readonly payload?: Buffer;
  /** flags and offset, as on the wire */
  readonly fragment?: number;
  readonly options?: Buffer;
  readonly ttl?: number;
  /** tells packets apart: forwarding keeps it */
  readonly id?: number;
}

export interface Ip6 {
  readonly src: string;
  readonly dst: string;
  readonly next: number;
  readonly payload: Buffer;
  /** 20 bits; forwarding keeps it */
  readonly flow?: number;
  readonly hops?: number;
}

export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

/** Hex, padded to what Ethernet wants. */
export function ethernet(to: string, from: string, type: number, payload: Buffer): string {
  const padding = Buffer.alloc(Math.max(0, 46 - payload.length));
  return Buffer.concat([mac(to), mac(from), Buffer.of(type >> 8, type & 255), payload, padding]).toString(
    'hex',
  );
}

export function ipv4(ip: Ip): Buffer {
  const {
    src = '',
    dst = '',
    protocol = 17,
    payload = Buffer.alloc(0),
    fragment = 0,
    ttl = 64,
    id = 0x4242,
  } = ip;
  const given = ip.options ?? Buffer.alloc(0);
  const options = Buffer.concat([given, Buffer.alloc((4 - (given.length % 4)) % 4)]);
  const header = Buffer.alloc(20);
  header[0] = 0x40 | (5 + options.length / 4);
  header.writeUInt16BE(20 + options.length + payload.length, 2);
  header.writeUInt16BE(id, 4);
  header.writeUInt16BE(fragment, 6);
  header[8] = ttl;
  header[9] = protocol;
  dotted(src).copy(header, 12);
  dotted(dst).copy(header, 16);
  const whole = Buffer.concat([header, options]);
  whole.writeUInt16BE(checksum(whole), 10);
  return Buffer.concat([whole, payload]);
}

/** Addresses as 32 hex digits. */
export function ipv6({ src, dst, next, payload, flow = 0, hops = 64 }: Ip6): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(0x6000_0000 + flow, 0);
  header.writeUInt16BE(payload.length, 4);
  header[6] = next;
  header[7] = hops;
  return Buffer.concat([header, Buffer.from(src, 'hex'), Buffer.from(dst, 'hex'), payload]);
}

/** Without checksum, which IPv4 allows. */
export function udp(from: number, to: number, data: Buffer = Buffer.alloc(12)): Buffer {
  const out = Buffer.alloc(8);
  out.writeUInt16BE(from, 0);
  out.writeUInt16BE(to, 2);
  out.writeUInt16BE(8 + data.length, 4);
  return Buffer.concat([out, data]);
}

export interface Segment {
  readonly src: string;
  readonly dst: string;
  readonly from: number;
  readonly to: number;
  readonly flags: number;
}

export function tcp({ src, dst, from, to, flags }: Segment): Buffer {
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

export function icmp(type: number, id = 0): Buffer {
  const out = Buffer.alloc(20);
  out[0] = type;
  out.writeUInt16BE(id, 4);
  out.writeUInt16BE(checksum(out), 2);
  return out;
}

/** Question for the address of a name. */
export function dnsQuery(id: number, name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  const header = Buffer.of(id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0);
  return Buffer.concat([header, ...labels, Buffer.of(0, 0, 1, 0, 1)]);
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
  return ethernet(operation === 1 ? BROADCAST : macs.to, macs.from, 0x0806, body);
}

/** One UDP packet in a frame; hex. */
export function udpFrame(macs: Macs, src: string, dst: string, port: number): string {
  return ethernet(macs.to, macs.from, 0x0800, ipv4({ src, dst, payload: udp(50_000, port) }));
}

/** A first packet of a TCP connection in a frame; hex. */
export function synFrame(macs: Macs, src: string, dst: string, port: number): string {
  const payload = tcp({ src, dst, from: 45_000, to: port, flags: TCP_FLAGS.syn });
  return ethernet(macs.to, macs.from, 0x0800, ipv4({ src, dst, protocol: 6, payload }));
}

/** The hardware address that a multicast group has on Ethernet. */
export function groupMac(address: string): string {
  const [, b = 0, c = 0, d = 0] = dotted(address);
  return [0x01, 0x00, 0x5e, b & 0x7f, c, d].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
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
