import test from 'ava';
import { EXPIRATION_SPREAD_MS, expiration } from '../../../services/router/i2np/expiration.ts';
import { recordedEntropy } from '../../support/entropy.ts';

const NOW = Date.UTC(2026, 0, 15, 12);
const LIFE = 30_000;

test('an expiration is never early, and at most a second and what chance adds late', (t) => {
  const random = recordedEntropy('expiration bounds');
  for (let i = 0; i < 5_000; i++) {
    const late = expiration(NOW + i, LIFE, random) - (NOW + i + LIFE);
    t.true(late >= 0 && late < 1_000 + EXPIRATION_SPREAD_MS, `${late}`);
  }
});

test('its milliseconds are the same chance whatever the milliseconds of the clock are', (t) => {
  for (const phase of [0, 1, 250, 700, 999]) {
    const random = recordedEntropy(`expiration ${phase}`);
    const found = Array.from({ length: 3_000 }, () => expiration(NOW + phase, LIFE, random) % 1_000);
    const mean = found.reduce((sum, ms) => sum + ms, 0) / found.length;
    t.true(Math.abs(mean - 500) < 25, `${mean} at ${phase}`);
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = found.filter((ms) => Math.floor(ms / 100) === tenth).length / found.length;
      t.true(Math.abs(share - 0.1) < 0.03, `${share} of the ${tenth}. tenth at ${phase}`);
    }
  }
});
