import { type Packet, read } from '../packets/read.ts';
import type { Frame } from './sniffer.ts';

export type Allow = (packet: Packet) => boolean;

/** Nothing may pass. */
export const nothing: Allow = () => false;

/** Those frames that nobody allowed; what cannot be read is never allowed. */
export function foreign(frames: readonly Frame[], allow: Allow): readonly Frame[] {
  return frames.filter(({ bytes }) => {
    const packet = read(bytes);
    return packet === undefined || !allow(packet);
  });
}

/** As many of them as Docker sends by default, from 28 on, when it plugs a container into a network. */
const ANNOUNCEMENTS = 3;

/**
 * Docker's unsolicited ARP for a container's address: who-has `own` tell `own`, to everybody. The gateway's own networks
 * are made so that there is none (compose.yaml); one that somebody else attaches has them, before anything could be done.
 */
export function isAnnouncement({ bytes, count }: Frame, own: string): boolean {
  const packet = read(bytes);
  if (packet?.kind !== 'arp' || packet.operation !== 1 || count > ANNOUNCEMENTS) return false;
  const hex = (from: number, to: number): string => bytes.toString('hex', from, to);
  return (
    packet.sender === own &&
    packet.target === own &&
    hex(0, 6) === 'ffffffffffff' &&
    hex(22, 28) === hex(6, 12) &&
    hex(32, 38) === '000000000000'
  );
}

export interface Ways {
  readonly gateUp: string;
  readonly uplink: string;
  readonly port: number;
}

/** What the gate may say to the uplink's side: who-has, and Tor's flow to the one port. */
export function towardsUplink({ gateUp, uplink, port }: Ways): Allow {
  return (packet) => {
    if (packet.kind === 'arp') return packet.sender === gateUp && packet.target === uplink;
    return (
      packet.kind === 'ipv4' &&
      packet.src === gateUp &&
      packet.dst === uplink &&
      packet.protocol === 6 &&
      packet.dstPort === port &&
      !packet.fragment &&
      !packet.options
    );
  };
}

/** What a policy lets the gate answer to workstations. */
export interface Doors {
  readonly tcp: ReadonlySet<number>;
  readonly udp: ReadonlySet<number>;
  /** are other addresses answered for, as TransPort and DNSPort do? */
  readonly captures: boolean;
  readonly neverCaptured: ReadonlySet<number>;
}

/** 10.152.128.0/18, as policies and compose.yaml have it. */
function inLan(address: string): boolean {
  const [a, b, c = 0] = address.split('.').map(Number);
  return a === 10 && b === 152 && c >= 128 && c < 192;
}

export interface LanSide {
  readonly gate: string;
  readonly gateUp: string;
  readonly workstation: string;
}

/** What the gate may say to a workstation under open doors: ARP of its own, and answers of a door or a capture. */
export function towardsWorkstation({ gate, gateUp, workstation }: LanSide, doors: Doors): Allow {
  return (packet) => {
    if (packet.kind === 'arp') return packet.sender === gate && inLan(packet.target);
    if (packet.kind !== 'ipv4' || packet.dst !== workstation || packet.fragment || packet.options)
      return false;
    const { protocol, src, srcPort } = packet;
    if (protocol === 17) {
      if (src === gate && doors.udp.has(srcPort)) return true;
      return doors.captures && srcPort === 53;
    }
    if (protocol !== 6) return false;
    if (src === gate) return doors.tcp.has(srcPort);
    // A capture answers in the name of the address that was asked, and of no address of the gate.
    return doors.captures && src !== gateUp && !doors.neverCaptured.has(srcPort);
  };
}
