import type { LeaktestResult } from '@allium/common/contracts/supervisor.ts';

/** What the sniffer wrote → what left, and whether it may. Pure. */

export interface Sniffed {
  /** interface number → its IPv4 address */
  readonly interfaces: ReadonlyMap<number, string>;
  readonly frames: readonly { readonly interface: number; readonly count: number; readonly hex: string }[];
  /** false: it was cut short, and says nothing */
  readonly complete: boolean;
}

/** Addresses of the uplink's two sides, and whom it may reach. */
export interface Allowed {
  readonly own: string;
  readonly gate: string;
  /** lines `ADDRESS:PORT` */
  readonly relays: ReadonlySet<string>;
}

export function parseSniffed(text: string): Sniffed {
  const interfaces = new Map<number, string>();
  const frames: { interface: number; count: number; hex: string }[] = [];
  for (const line of text.split(/\r?\n/)) {
    const words = line.split(' ');
    if (words[0] === 'interface') interfaces.set(Number(words[1]), words[3] ?? '');
    else if (words[0] === 'frame') {
      frames.push({ interface: Number(words[1]), count: Number(words[2]), hex: words[3] ?? '' });
    }
  }
  const complete = /^end\r?$/m.test(text) && !/^overflow\r?$/m.test(text);
  return { interfaces, frames, complete };
}

export function judge({ interfaces, frames }: Sniffed, allowed: Allowed): LeaktestResult['left'] {
  const sum = { relay: 0, arp: 0, gate: 0 };
  const foreign: string[] = [];
  for (const { interface: index, count, hex } of frames) {
    const address = interfaces.get(index);
    const kind = kindOf(Buffer.from(hex, 'hex'), address, allowed);
    if (kind === 'relay' || kind === 'arp' || kind === 'gate') sum[kind] += count;
    else foreign.push(`${count} × ${kind} on ${address ?? `interface ${index}`}`);
  }
  return { toRelays: sum.relay, arp: sum.arp, toGate: sum.gate, foreign };
}

/** `relay`, `arp` and `gate` may leave; anything else is what it is called. A frame that cannot be read may not. */
function kindOf(frame: Buffer, address: string | undefined, allowed: Allowed): string {
  if (frame.length < 42) return 'a frame too short to be read';
  const type = frame.readUInt16BE(12);
  if (type === 0x0806) return dotted(frame, 28) === address ? 'arp' : 'ARP under another address';
  if (type !== 0x0800) return `frame of type 0x${type.toString(16)}`;
  const protocol = frame[23] ?? 0;
  const [source, destination] = [dotted(frame, 26), dotted(frame, 30)];
  if (frame[14] !== 0x45 || (frame.readUInt16BE(20) & 0x3fff) !== 0 || protocol !== 6) {
    return `IPv4 protocol ${protocol} from ${source} to ${destination}`;
  }
  const [from, to] = [frame.readUInt16BE(34), frame.readUInt16BE(36)];
  const flow = `TCP from ${source}:${from} to ${destination}:${to}`;
  if (source !== address) return flow;
  if (source === allowed.own) return destination === allowed.gate ? 'gate' : flow;
  return allowed.relays.has(`${destination}:${to}`) ? 'relay' : flow;
}

function dotted(frame: Buffer, at: number): string {
  return [...frame.subarray(at, at + 4)].join('.');
}
