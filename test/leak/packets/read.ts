/**
 * What a captured frame is. Undefined for whatever this reader does not know: the caller counts that as a leak, for
 * nothing that nobody understands may pass.
 */

export interface Arp {
  readonly kind: 'arp';
  readonly operation: number;
  readonly sender: string;
  readonly target: string;
}

export interface Ipv4 {
  readonly kind: 'ipv4';
  readonly src: string;
  readonly dst: string;
  readonly protocol: number;
  readonly id: number;
  readonly fragment: boolean;
  readonly options: boolean;
  /** zero where the protocol has none or a later fragment doesn't say */
  readonly srcPort: number;
  readonly dstPort: number;
  readonly flags: number;
  readonly body: Buffer;
}

export interface Ipv6 {
  readonly kind: 'ipv6';
  readonly src: string;
  readonly dst: string;
  readonly next: number;
  readonly flow: number;
}

export type Packet = Arp | Ipv4 | Ipv6;

const HEADER = 14;

export function read(frame: Buffer): Packet | undefined {
  if (frame.length < HEADER + 20) return undefined;
  const body = frame.subarray(HEADER);
  switch (frame.readUInt16BE(12)) {
    case 0x0800:
      return readIpv4(body);
    case 0x0806:
      return readArp(body);
    case 0x86dd:
      return readIpv6(body);
    default:
      return undefined;
  }
}

function readArp(body: Buffer): Arp | undefined {
  if (body.length < 28 || body.readUInt32BE(0) !== 0x0001_0800 || body.readUInt16BE(4) !== 0x0604)
    return undefined;
  return { kind: 'arp', operation: body.readUInt16BE(6), sender: dotted(body, 14), target: dotted(body, 24) };
}

/** Also reads the header that an ICMP error quotes. */
export function readIpv4(body: Buffer): Ipv4 | undefined {
  if (body.length < 20) return undefined;
  const first = body[0] ?? 0;
  const header = (first & 15) * 4;
  if (first >> 4 !== 4 || header < 20 || body.length < header) return undefined;
  const protocol = body[9] ?? 0;
  const fragment = body.readUInt16BE(6) & 0x3fff;
  const inner = body.subarray(header);
  const hasPorts = [6, 17, 132, 33, 136].includes(protocol) && (fragment & 0x1fff) === 0 && inner.length >= 4;
  return {
    kind: 'ipv4',
    src: dotted(body, 12),
    dst: dotted(body, 16),
    protocol,
    id: body.readUInt16BE(4),
    fragment: fragment !== 0,
    options: header > 20,
    srcPort: hasPorts ? inner.readUInt16BE(0) : 0,
    dstPort: hasPorts ? inner.readUInt16BE(2) : 0,
    flags: hasPorts && protocol === 6 && inner.length >= 14 ? (inner[13] ?? 0) : 0,
    body: inner,
  };
}

function readIpv6(body: Buffer): Ipv6 | undefined {
  if (body.length < 40 || (body[0] ?? 0) >> 4 !== 6) return undefined;
  const hex = (at: number): string => body.toString('hex', at, at + 16);
  return {
    kind: 'ipv6',
    src: hex(8),
    dst: hex(24),
    next: body[6] ?? 0,
    flow: body.readUInt32BE(0) & 0xf_ffff,
  };
}

function dotted(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.');
}

/** For a person who has to find out what came out. Addresses are those of a test's own network. */
export function describe(frame: Buffer): string {
  const packet = read(frame);
  if (packet === undefined) return `not understood: ${frame.toString('hex', 0, 34)}`;
  if (packet.kind === 'arp') return `arp ${packet.operation} ${packet.sender} > ${packet.target}`;
  if (packet.kind === 'ipv6') return `ipv6 next ${packet.next} ${packet.src} > ${packet.dst}`;
  const { src, srcPort, dst, dstPort, protocol, flags } = packet;
  return `protocol ${protocol} ${src}:${srcPort} > ${dst}:${dstPort} flags ${flags}`;
}
