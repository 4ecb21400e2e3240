import { isIPv4 } from 'node:net';

/** An IPv4 network: `addr` with all host bits zero. */
export interface Subnet {
  readonly addr: string;
  readonly len: number;
}

/** `10.152.128.0/18`; undefined for anything else, also for host bits and for networks without two hosts. */
export function parseSubnet(text: string): Subnet | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(text);
  const addr = match?.[1] ?? '';
  const len = Number(match?.[2]);
  if (!isIPv4(addr) || len < 8 || len > 30) return undefined;
  return numberOf(addr) % 2 ** (32 - len) === 0 ? { addr, len } : undefined;
}

/** Is the address a host of the subnet (not its network or broadcast address)? */
export function isHostOf(subnet: Subnet, address: string): boolean {
  if (!isIPv4(address)) return false;
  const offset = numberOf(address) - numberOf(subnet.addr);
  return offset > 0 && offset < 2 ** (32 - subnet.len) - 1;
}

export function overlap(a: Subnet, b: Subnet): boolean {
  const size = 2 ** (32 - Math.min(a.len, b.len));
  return Math.floor(numberOf(a.addr) / size) === Math.floor(numberOf(b.addr) / size);
}

/** Unsigned value of a dotted address. */
function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
