import type { Codec } from '@allium/common/bytes/codec.ts';

/** One of the routers that tunnels may begin at. Times in ms; 0 is never. */
export interface FirstHop {
  /** drawn at random: who comes first of those that never answered */
  readonly rank: number;
  readonly drawnAt: number;
  /** it makes room for another then */
  readonly until: number;
  /** first session with it: who has proven itself longest comes first */
  readonly provenAt: number;
  readonly unlistedSince: number;
}

const ROW_VERSION = 1;

/** A row of the host's `first_hop` table. */
export const firstHopCodec: Codec<FirstHop> = {
  structure: 'FirstHop',
  size: () => 1 + 4 + 4 * 8,
  write(out, { rank, drawnAt, until, provenAt, unlistedSince }) {
    out.u8(ROW_VERSION).u32(rank);
    for (const time of [drawnAt, until, provenAt, unlistedSince]) out.u64(Math.floor(time));
  },
  read(input) {
    if (input.u8() !== ROW_VERSION) input.fail('unsupported', 'row version');
    const rank = input.u32();
    return {
      rank,
      drawnAt: input.u64(),
      until: input.u64(),
      provenAt: input.u64(),
      unlistedSince: input.u64(),
    };
  },
};

/** Proven ones by their first session, the others by lot. */
export function inOrder(a: FirstHop, b: FirstHop): number {
  const proven = (hop: FirstHop): number => (hop.provenAt === 0 ? Number.POSITIVE_INFINITY : hop.provenAt);
  const [first, second] = [proven(a), proven(b)];
  return first === second ? a.rank - b.rank : first < second ? -1 : 1;
}

/** The same after the clock was moved by so many ms. */
export function shifted({ rank, ...times }: FirstHop, by: number): FirstHop {
  const moved = (time: number): number => (time === 0 ? 0 : Math.max(1, time + by));
  return {
    rank,
    drawnAt: moved(times.drawnAt),
    until: moved(times.until),
    provenAt: moved(times.provenAt),
    unlistedSince: moved(times.unlistedSince),
  };
}
