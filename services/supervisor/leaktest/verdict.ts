import type { LeaktestResult } from '@allium/common/contracts/supervisor.ts';
import type { Probe } from './frames.ts';

export interface Evidence {
  readonly probes: readonly Pick<Probe, 'kind' | 'plain'>[];
  /** frames that the workstation sent, and packets that came in at the gate */
  readonly sent: number;
  readonly arrived: number;
  /** the sniffer was there to the end */
  readonly complete: boolean;
  readonly left: LeaktestResult['left'];
}

/** A leak is one even if the test was half blind; without one, everything must have been seen. */
export function verdictOf({ probes: tried, sent, arrived, complete, left }: Evidence): LeaktestResult {
  const probes: Record<string, number> = {};
  for (const { kind } of tried) probes[kind] = (probes[kind] ?? 0) + 1;
  const plain = tried.filter((probe) => probe.plain).length;
  const blind = [
    ...(sent < tried.length ? [`only ${sent} frames could be sent`] : []),
    ...(arrived < plain ? [`${arrived} of ${plain} frames for the gate itself came there`] : []),
    ...(complete ? [] : ['the sniffer did not listen to the end']),
    ...(left.toRelays === 0 ? ['the sniffer did not even see Tor'] : []),
  ];
  const leaked = left.foreign.length > 0;
  const verdict = leaked ? 'leaked' : blind.length > 0 ? 'blind' : 'nothing leaked';
  return { verdict, why: leaked ? left.foreign : blind, probes, sent, arrived, left };
}
