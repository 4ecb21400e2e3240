import type { Linger } from './close.ts';
import type { DataPhase } from './data-phase.ts';
import type { Handshake } from './handshake.ts';
import type { DropCause, Ntcp2Stats, Stage } from './types.ts';

/** Where a session is; each phase owns what is valid in it only. */
export type Phase =
  | { readonly kind: 'connect' }
  | { readonly kind: 'handshake'; readonly handshake: Handshake }
  | { readonly kind: 'data'; readonly data: DataPhase; readonly initiated: boolean }
  /** failed, and silent until `linger` is over */
  | { readonly kind: 'linger'; readonly linger: Linger }
  | { readonly kind: 'closed' };

/** What an end would be an end of. A lingering session has its `Close` already. */
export function stageOf(phase: Phase): Stage {
  switch (phase.kind) {
    case 'connect':
      return 'connect';
    case 'handshake':
      return phase.handshake.stage;
    case 'data':
      return phase.initiated && !phase.data.accepted ? 'accepted' : 'data';
    case 'linger':
    case 'closed':
      return 'data';
  }
}

/** Counts of the session itself, in bytes and messages. */
export interface SessionCounts {
  bytesSent: number;
  bytesReceived: number;
  readonly dropped: Record<DropCause, number>;
}

export function statsOf(counts: SessionCounts, queued: number, data: DataPhase | undefined): Ntcp2Stats {
  return {
    bytesSent: counts.bytesSent,
    bytesReceived: counts.bytesReceived,
    dropped: { ...counts.dropped },
    queued,
    messagesSent: data?.messagesSent ?? 0,
    messagesReceived: data?.messagesReceived ?? 0,
    framesSent: data?.framesSent ?? 0,
    framesReceived: data?.framesReceived ?? 0,
  };
}
