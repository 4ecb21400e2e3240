import test from 'ava';
import {
  MAX_CORRECTION_MS,
  NetworkClock,
  SETTLED_MS,
  SLEW_RATE,
  STEP_ABOVE_MS,
} from '../../../services/router/host/clock.ts';

const SECOND = 1_000;
const START = Date.UTC(2026, 0, 15, 12);

/** A machine whose clock is `off` ms wrong, and the network time on it. */
function machine(off: number) {
  const state = { right: START, off };
  const clock = new NetworkClock(
    () => state.right + state.off,
    () => state.right - START,
  );
  /** How far the network time is from the right one, ms. */
  const error = () => clock.now() - state.right;
  /** Follows peers that tell the right time, a second long; returns what happened. */
  const second = (lie = 0, tenth = () => {}) => {
    const skew = lie - error();
    for (let i = 0; i < 10; i++) {
      state.right += SECOND / 10;
      tenth();
    }
    return clock.follow(skew);
  };
  return { state, clock, error, second };
}

test('the first time that peers agree the time steps there, below a second it runs there', (t) => {
  const far = machine(40 * SECOND);
  t.is(far.second().moved, -40 * SECOND);
  t.is(far.error(), 0);
  t.is(far.clock.correction, -40 * SECOND);
  const near = machine(STEP_ABOVE_MS);
  t.is(near.second().moved, 0);
  t.is(near.error(), STEP_ABOVE_MS);
  for (let s = 0; s < 60; s++) near.second();
  t.true(Math.abs(near.error()) <= SETTLED_MS, `${near.error()}`);
});

test('a time that runs never steps again nor goes back, and follows at a bounded rate', (t) => {
  const { clock, error, second } = machine(0);
  second();
  for (const lie of [30 * SECOND, -30 * SECOND]) {
    let before = clock.now();
    const from = error();
    let moved = 0;
    for (let s = 1; s <= 60; s++) {
      moved += second(lie, () => {
        const passed = clock.now() - before;
        t.true(passed >= 97 && passed <= 103, `${passed} ms in 100`);
        before = clock.now();
      }).moved;
      t.true(Math.abs(error() - from) <= SLEW_RATE * s * SECOND + 1, `${error() - from} after ${s} s`);
    }
    t.true(Math.abs(error() - from) > SLEW_RATE * 57 * SECOND, 'it moves all the same');
    t.true(Math.abs(moved - (error() - from)) < 25, 'and tells by how much');
  }
});

test('without an agreement the time stays where it is', (t) => {
  const { state, clock, error, second } = machine(0);
  second();
  second(3 * SECOND);
  second(3 * SECOND);
  clock.follow(undefined);
  const at = error();
  t.true(at > 0 && at < 3 * SLEW_RATE * SECOND, `${at}`);
  state.right += 60 * SECOND;
  t.deepEqual(clock.follow(undefined), { moved: 0, beyond: false });
  t.is(error(), at);
});

test('nobody moves the time by more than ten minutes in all', (t) => {
  const { clock, second } = machine(0);
  t.deepEqual(second(MAX_CORRECTION_MS + 1), { moved: 0, beyond: true });
  t.is(clock.correction, 0);
  second(MAX_CORRECTION_MS - 5 * SECOND);
  for (let s = 0; s < 600; s++) second(MAX_CORRECTION_MS + 5 * SECOND);
  t.is(clock.correction, MAX_CORRECTION_MS - 5 * SECOND);
});

test('when the machine’s clock jumps the time jumps with it and may be set once more', (t) => {
  const { state, clock, error, second } = machine(40 * SECOND);
  second();
  t.is(clock.resync(), 0);
  state.off = -7_200 * SECOND;
  t.is(clock.resync(), -7_240 * SECOND);
  t.is(error(), -7_200 * SECOND);
  t.is(clock.correction, 0);
  t.true(second().beyond, 'hours are for a person');
  state.off = 30 * SECOND;
  clock.resync();
  t.is(second().moved, -30 * SECOND);
  t.is(error(), 0);
});
