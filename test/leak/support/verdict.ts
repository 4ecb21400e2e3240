import { styleText } from 'node:util';
import { describe, read } from '../packets/read.ts';
import type { Probe } from '../probes/probe.ts';
import { causes } from '../probes/table.ts';
import type { Frame } from './sniffer.ts';

/** A row of the table that is printed at the end. */
export interface Row {
  readonly state: string;
  readonly probes: number;
  /** how many of them the sniffers saw something of */
  readonly seen: number;
  readonly leaked: number;
  /** wrong answers to the workstation */
  readonly answered: number;
}

/** Numbers of the probes that these frames come from. */
export function seenProbes(frames: readonly Frame[], probes: readonly Probe[]): ReadonlySet<number> {
  const numbers = new Set(probes.map(({ number }) => number));
  const seen = new Set<number>();
  for (const { bytes } of frames) {
    const packet = read(bytes);
    if (packet === undefined) continue;
    for (const cause of causes(packet)) if (numbers.has(cause)) seen.add(cause);
    if (packet.kind === 'arp' && packet.operation === 2) {
      for (const { number } of askers(probes, packet.sender)) seen.add(number);
    }
  }
  return seen;
}

/** Probes that asked for this address by ARP. */
function askers(probes: readonly Probe[], address: string): readonly Probe[] {
  return probes.filter(({ frames: [frame = ''] }) => {
    const packet = read(Buffer.from(frame, 'hex'));
    return packet?.kind === 'arp' && packet.operation === 1 && packet.target === address;
  });
}

/** At most that many frames are told of: the first ones say what is wrong. */
const TOLD = 8;

export function tell(frames: readonly Frame[]): string {
  return frames
    .slice(0, TOLD)
    .map(({ bytes }) => describe(bytes))
    .join('\n');
}

/** The last word, for the person who ran it. Lines of TAP's comments, so that the runner shows them. */
export function verdictTable(title: string, rows: readonly Row[]): string {
  const head = ['state', 'probes', 'seen', 'leaked', 'wrong answers'];
  const cells = rows.map(({ state, probes, seen, leaked, answered }) => [
    state,
    String(probes),
    String(seen),
    String(leaked),
    String(answered),
  ]);
  const widths = head.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `# leak | ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  return [`# leak | ${styleText('bold', title)}`, line(head), ...cells.map(line)].join('\n');
}
