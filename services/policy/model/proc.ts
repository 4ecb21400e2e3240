import type { Route } from './facts.ts';

const RTF_GATEWAY = 0x2;
/** An unreachable or prohibit route: it lets nothing out. */
const RTF_REJECT = 0x200;

/** Interfaces of `/proc/net/dev` but the loopback; this file, unlike /sys, always shows the reader's own namespace. */
export function parseDevices(text: string): string[] {
  return text
    .split('\n')
    .map((line) => /^\s*([^\s:]+(?::\d+)?):/.exec(line)?.[1] ?? '')
    .filter((device) => device !== '' && device !== 'lo');
}

/** Routes of `/proc/net/route` that could carry a packet. */
export function parseRoutes(text: string): Route[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t').map((field) => field.trim()))
    .filter((fields) => fields.length >= 8 && (hex(fields[3]) & RTF_REJECT) === 0)
    .map((fields) => ({
      device: fields[0] ?? '',
      addr: address(fields[1] ?? ''),
      len: bits(hex(fields[7])),
      gateway: (hex(fields[3]) & RTF_GATEWAY) !== 0,
    }));
}

function hex(text: string | undefined): number {
  return Number.parseInt(text ?? '', 16);
}

/** The kernel prints the address as a little-endian number on the machines that we run on. */
function address(text: string): string {
  return (text.match(/../g) ?? []).reverse().map(hex).join('.');
}

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}
