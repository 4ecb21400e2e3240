import {
  BROADCAST,
  ethernet,
  groupMac,
  type Ip,
  type Ip6,
  ipv4,
  ipv6,
  type Macs,
  tcp,
  udp,
} from '../packets/build.ts';

export interface Probe {
  /** also the packet's id, flow label or a part of its source port, so that a captured frame names its probe */
  readonly number: number;
  /** numbers of ../VECTORS.md that it stands for */
  readonly vectors: readonly number[];
  readonly name: string;
  /** hex */
  readonly frames: readonly string[];
}

/** Whom a table of probes is aimed at. */
export interface Aim {
  readonly macs: Macs;
  /** the workstation's own address */
  readonly own: string;
  readonly gate: string;
  readonly gateUp: string;
  readonly uplink: string;
  readonly upBroadcast: string;
  readonly lanBroadcast: string;
  /** some address of the world */
  readonly world: string;
  /** addresses of the machine that runs the engine */
  readonly hosts: readonly string[];
}

/** Numbers begin here, to be unlike what kernels choose by themselves. */
const FIRST = 0xa001;
/** Added to a number for a source port that no kernel gives to its own sockets. */
const PORT_OFFSET = 0x8000;

/** Collects probes under numbers of their own. */
export class Table {
  readonly probes: Probe[] = [];
  readonly aim: Aim;

  constructor(aim: Aim) {
    this.aim = aim;
  }

  /** The source port of the probe with this number. */
  static port(number: number): number {
    return number - PORT_OFFSET;
  }

  add(vectors: readonly number[], name: string, make: (number: number) => readonly string[]): void {
    const number = FIRST + this.probes.length;
    this.probes.push({ number, vectors, name, frames: make(number) });
  }

  /** One IPv4 packet to the gate's hardware address, from the workstation to the world unless it says otherwise. */
  ip(vectors: readonly number[], name: string, make: (number: number) => Ip, to?: string): void {
    this.add(vectors, name, (number) => [this.frame({ id: number, ...make(number) }, to)]);
  }

  udp(vectors: readonly number[], name: string, dst: string, port: number, data?: Buffer): void {
    this.ip(vectors, name, (number) => ({ dst, payload: udp(Table.port(number), port, data) }), macFor(dst));
  }

  tcp(vectors: readonly number[], name: string, dst: string, port: number, flags: number): void {
    const src = this.aim.own;
    this.ip(vectors, name, (number) => ({
      dst,
      protocol: 6,
      payload: tcp({ src, dst, from: Table.port(number), to: port, flags }),
    }));
  }

  ip6(vectors: readonly number[], name: string, packet: Omit<Ip6, 'flow'>, to = this.aim.macs.to): void {
    this.add(vectors, name, (flow) => [ethernet(to, this.aim.macs.from, 0x86dd, ipv6({ ...packet, flow }))]);
  }

  frame(ip: Ip, to = this.aim.macs.to): string {
    return ethernet(to, this.aim.macs.from, 0x0800, ipv4({ src: this.aim.own, dst: this.aim.world, ...ip }));
  }
}

function macFor(address: string): string | undefined {
  const first = Number(address.split('.')[0]);
  if (first >= 224 && first < 240) return groupMac(address);
  return address.endsWith('.255') ? BROADCAST : undefined;
}
