import { createHash } from 'node:crypto';
import type { Gate } from '../model/plan.ts';
import type { Capture, Door, Policy, Ports } from '../model/policy.ts';

/** One thing that may pass, and the mark that conntrack keeps on every flow opened under it. */
export interface Grant {
  /** counter, and chain of a door */
  readonly id: string;
  readonly why: string;
  readonly mark: number;
}

export interface Grants {
  readonly loopback: Grant | undefined;
  readonly tor: Grant | undefined;
  readonly doors: readonly (Grant & { readonly door: Door })[];
  readonly captures: readonly (Grant & { readonly capture: Capture })[];
}

/**
 * What a policy allows in a state. A mark is a hash over the generation and everything the grant says: a flow lives
 * on through a reload exactly as long as the grant that it was opened under is still there, word for word, and never
 * through a sealing.
 */
export function grantsOf(state: 'tor-only' | 'open', policy: Policy, gate: Gate, generation: number): Grants {
  const seen = new Set<number>();
  const grant = (id: string, why: string, ...content: unknown[]): Grant => {
    const mark = markOf(generation, id, content);
    if (seen.has(mark)) throw new RangeError(`two grants with one mark: ${id}`);
    seen.add(mark);
    return { id, why, mark };
  };
  const open = state === 'open';
  const { lan, up, uplink, torUid } = gate;
  return {
    loopback: policy.loopback && grant('loopback', policy.loopback.why),
    tor:
      policy.tor && grant('tor', policy.tor.why, up.device, up.address, uplink.address, uplink.port, torUid),
    doors: (open ? policy.doors : []).map((door) => ({
      ...grant(idOf('door', door.name), door.why, lan.device, lan.address, door.protocol, door.ports),
      door,
    })),
    captures: (open ? policy.captures : []).map((capture) => ({
      ...grant(
        idOf('capture', capture.name),
        capture.why,
        lan.device,
        capture.protocol,
        capture.ports,
        capture.to,
      ),
      capture,
    })),
  };
}

/** Marks of the flows that may go on, in the order of the grants. Loopback has none: it is not tracked by mark. */
export function liveMarks(grants: Grants): number[] {
  const marks = [...grants.doors, ...grants.captures].map((grant) => grant.mark);
  return grants.tor === undefined ? marks : [grants.tor.mark, ...marks];
}

export function idOf(kind: string, name: string): string {
  return `${kind}_${name.replaceAll('-', '_')}`;
}

/** Members of a port set: single ports as numbers, ranges as ranges. */
export function portElements(ports: Ports): (number | { range: readonly [number, number] })[] {
  return ports.map(({ from, to }) => (from === to ? from : { range: [from, to] as const }));
}

/** 32 bits, never zero: zero is the mark of flows that nobody granted. */
function markOf(generation: number, id: string, content: readonly unknown[]): number {
  const hash = createHash('sha256')
    .update(JSON.stringify([generation, id, content]))
    .digest();
  return hash.readUInt32BE(0) || 1;
}
