import test from 'ava';
import {
  AGREEMENT_MS,
  ClockSkew,
  MAX_AGE_MS,
  MAX_ROUND_TRIP_MS,
  QUORUM,
} from '../../../services/router/node/clock-skew.ts';

const NOW = Date.UTC(2026, 0, 15, 12);

/** Samples of as many networks as there are skews. */
function heard(...skews: readonly number[]): ClockSkew {
  const clock = new ClockSkew();
  for (const [i, skew] of skews.entries()) clock.add({ network: `4/10.${i}`, skew, roundTrip: 300 }, NOW);
  return clock;
}

const times = (n: number, skew: number) => Array.from({ length: n }, () => skew);

test('ten networks that agree are followed, nine are not', (t) => {
  t.is(heard(...times(QUORUM - 1, 40_000)).agreed(NOW), undefined);
  t.is(heard(...times(QUORUM, 40_000)).agreed(NOW), 40_000);
});

test('many peers of one network are one voice, and their last word counts', (t) => {
  const clock = heard(...times(QUORUM - 1, 40_000));
  for (let i = 0; i < 50; i++) clock.add({ network: '4/10.0', skew: 41_000, roundTrip: 300 }, NOW);
  t.is(clock.agreed(NOW), undefined);
  clock.add({ network: '4/99.0', skew: 40_000, roundTrip: 300 }, NOW);
  t.is(clock.agreed(NOW), 40_000);
});

test('ten that do not say the same agree on nothing', (t) => {
  t.is(heard(...Array.from({ length: QUORUM }, (_, i) => i * 1_000)).agreed(NOW), undefined);
});

test('however nine networks lie, whoever else tells the truth, the time is at most 2 s from it', (t) => {
  for (const lie of [61_000, -61_000, 3_000, AGREEMENT_MS + 1, AGREEMENT_MS, 1_500, -1_999]) {
    for (let honest = 0; honest <= 20; honest++) {
      const agreed = heard(...times(QUORUM - 1, lie), ...times(honest, 0)).agreed(NOW);
      t.true(agreed === undefined || Math.abs(agreed) <= AGREEMENT_MS, `${lie} ${honest}: ${agreed}`);
      if (Math.abs(lie) > AGREEMENT_MS && honest >= QUORUM) t.is(agreed, 0, `${lie} ${honest}`);
    }
  }
});

test('half of the voices are no majority, however many they are', (t) => {
  t.is(heard(...times(15, 61_000), ...times(15, 0)).agreed(NOW), undefined);
  t.is(heard(...times(15, 61_000), ...times(16, 0)).agreed(NOW), 0);
});

test('a slow handshake and an old one tell no time', (t) => {
  const clock = heard(...times(QUORUM - 1, 500));
  clock.add({ network: '4/99.0', skew: 500, roundTrip: MAX_ROUND_TRIP_MS + 1 }, NOW);
  t.is(clock.agreed(NOW), undefined);
  clock.add({ network: '4/99.0', skew: 500, roundTrip: MAX_ROUND_TRIP_MS }, NOW);
  t.is(clock.agreed(NOW + MAX_AGE_MS), 500);
  t.is(clock.agreed(NOW + MAX_AGE_MS + 1), undefined);
});

test('samples stay true when the clock follows them, and are nothing after a jump', (t) => {
  const clock = heard(...times(QUORUM, 40_000));
  clock.moved(39_000);
  t.is(clock.agreed(NOW + 39_000), 1_000);
  clock.moved(-7_200_000);
  t.is(clock.agreed(NOW + 39_000 - 7_200_000 + MAX_AGE_MS - 39_000), 7_201_000, 'as old as they are');
  clock.clear();
  t.is(clock.agreed(NOW), undefined);
});

test('no more networks are remembered than a bound, the youngest of them', (t) => {
  const clock = heard(...times(60, 9_000));
  for (let i = 0; i < 60; i++) clock.add({ network: `4/11.${i}`, skew: 100, roundTrip: 300 }, NOW);
  t.is(clock.agreed(NOW), 100);
});
