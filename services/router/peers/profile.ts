import type { Codec } from '@allium/common/bytes/codec.ts';

/** Counts lose half their weight in this time (ms): a peer's past says little about tomorrow. */
export const HALF_LIFE = 3 * 3_600_000;
/**
 * What is left of a peer's accepted builds after one that it left unanswered, and the other way round: a good hop that
 * died is dead at once, and one that came back is good again.
 */
export const CONTRADICTED = 0.7;
const OPPOSITE: Partial<Record<Stage, Stage>> = { accepted: 'buildTimeout', buildTimeout: 'accepted' };
/** A declined build is an honest answer, a lost one costs us the whole tunnel. */
export const DECLINED_AS_FAILURE = 0.5;
/** Counts stop here, so that a long good (or bad) time is overcome within a few tries. */
export const MAX_COUNT = 50;

/** What is counted, in the order of the row format. */
export const STAGES = [
  'connected',
  /** SOCKS said no, or the peer closed before the handshake began */
  'connectFailed',
  'established',
  'handshakeFailed',
  'accepted',
  'declined',
  /** no answer to a build that went through it */
  'buildTimeout',
  'tested',
  'testFailed',
] as const;
export type Stage = (typeof STAGES)[number];

/** How a peer did, by stage; counts decay. */
export interface Profile {
  /** time of the counts, ms */
  readonly at: number;
  readonly counts: Readonly<Record<Stage, number>>;
  /** NTCP2 termination reason (0-17) of the last failed handshake, if the peer gave one */
  readonly reason?: number;
  /** last time (ms) it was of use: a session, an accepted build, a tunnel that passed its test */
  readonly lastUse: number;
}

const NOTHING = Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>;

export const NEW_PROFILE: Profile = { at: 0, counts: NOTHING, lastUse: 0 };

/** The profile as it looks at `now`; a clock that went back changes nothing. */
export function decayed(profile: Profile, now: number): Profile {
  const age = now - profile.at;
  if (!(age > 0) || profile === NEW_PROFILE) return profile;
  const factor = 0.5 ** (age / HALF_LIFE);
  const counts = { ...profile.counts };
  for (const stage of STAGES) counts[stage] *= factor;
  return { ...profile, at: now, counts };
}

/** One more event of a stage, or the part `weight` of one that is the peer's. */
export function recorded(profile: Profile, stage: Stage, now: number, reason?: number, weight = 1): Profile {
  const before = decayed(profile, now);
  const counts = { ...before.counts, [stage]: Math.min(MAX_COUNT, before.counts[stage] + weight) };
  const opposite = OPPOSITE[stage];
  if (opposite) counts[opposite] *= 1 - (1 - CONTRADICTED) * weight;
  const useful = stage === 'established' || stage === 'accepted' || stage === 'tested';
  const lastUse = useful ? Math.max(before.lastUse, now) : before.lastUse;
  const at = Math.max(before.at, now);
  // exactOptionalPropertyTypes: the key is there or it is not
  const { reason: lastReason, ...rest } = { ...before, at, counts, lastUse };
  const kept = stage === 'established' ? undefined : (reason ?? lastReason);
  return kept === undefined ? rest : { ...rest, reason: kept };
}

/** Part of tries that went well, 0 to 1, starting from `prior` as if it had been seen `weight` times. */
export function successRate(good: number, bad: number, prior: number, weight = 2): number {
  return (good + prior * weight) / (good + bad + weight);
}

/** What weighs so little decides only while nothing else is known. */
const HARDLY = 0.01;

/** Part of the builds through a peer that it took, 0 to 1; half when nothing is known. */
export function buildRate({ counts: { accepted, declined, buildTimeout } }: Profile): number {
  return successRate(accepted, declined * DECLINED_AS_FAILURE + buildTimeout, 0.5, HARDLY);
}

/** Part of the tests through a peer that came back, 0 to 1; all when nothing is known. */
export function testRate({ counts: { tested, testFailed } }: Profile): number {
  return successRate(tested, testFailed, 1, HARDLY);
}

const ROW_VERSION = 1;
const NO_REASON = 0xff;
/** counts are kept in hundredths */
const SCALE = 100;

/** A row of the host's `profile` table: version, dates in ms, reason, one u16 per stage. */
export const profileCodec: Codec<Profile> = {
  structure: 'Profile',
  size: () => 1 + 8 + 8 + 1 + 2 * STAGES.length,
  write(out, { at, counts, lastUse, reason }) {
    out
      .u8(ROW_VERSION)
      .u64(Math.floor(at))
      .u64(Math.floor(lastUse))
      .u8(reason ?? NO_REASON);
    for (const stage of STAGES) out.u16(Math.round(counts[stage] * SCALE));
  },
  read(input) {
    if (input.u8() !== ROW_VERSION) input.fail('unsupported', 'row version');
    const at = input.u64();
    const lastUse = input.u64();
    const reason = input.u8();
    const counts = { ...NOTHING };
    for (const stage of STAGES) {
      counts[stage] = input.u16() / SCALE;
      if (counts[stage] > MAX_COUNT) input.fail('value', stage);
    }
    return reason === NO_REASON ? { at, counts, lastUse } : { at, counts, lastUse, reason };
  },
};
