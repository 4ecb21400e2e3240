import { DecodeError } from '@allium/common/bytes/errors.ts';
import test from 'ava';
import { growthAbove } from '../support/cpu-growth.ts';
import { textTakers } from '../support/text-takers.ts';
import { HTTP, HTTP_STREAMS } from './support/hostile-http.ts';
import { I2P } from './support/hostile-i2p.ts';
import { SOCKS, SOCKS_STREAMS } from './support/hostile-socks.ts';
import type { Table } from './support/hostile-table.ts';
import { type Hostile, hostileTexts, LARGE, SMALL, someTexts } from './support/hostile-text.ts';

/** Rooms whose functions get what sites and browsers, or whoever else is not us, have written. */
const ROOMS = [
  ...['rules', 'rewrite', 'route', 'socks', 'http', 'i2p', 'pages'].map((room) => `forwarder/${room}`),
  ...[
    'tor-filter/filter',
    'common/socks',
    'common/text',
    'common/unix-json',
    'router/names',
    'router/client',
  ],
];
const TABLE: Table = { ...HTTP, ...I2P, ...SOCKS };
const STREAMS = { ...HTTP_STREAMS, ...SOCKS_STREAMS };

/** Four times the text: four times the time, and room for what a machine does beside. */
const GROWTH_MAX = 6;

/** What is refused is read as well. */
async function run(call: () => unknown): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof DecodeError || error instanceof RangeError)) throw error;
  }
}

/** What grows too much, one line each. */
async function tooSlow(table: Table, small: Iterable<Hostile>, large: Iterable<Hostile>): Promise<string[]> {
  const found: string[] = [];
  const larges = large[Symbol.iterator]();
  for (const short of small) {
    const long: Hostile = larges.next().value;
    for (const [name, call] of Object.entries(table)) {
      if (typeof call === 'string') continue;
      const grown = await growthAbove(
        GROWTH_MAX,
        () => run(() => call(short)),
        () => run(() => call(long)),
      );
      if (grown === undefined) continue;
      const [low, high] = [grown.small.toFixed(1), grown.large.toFixed(1)];
      found.push(`${name} of ${short.name}: ${low} ms, then ${high} ms`);
    }
  }
  return found;
}

function byByte(): Table {
  return Object.fromEntries(
    Object.entries(STREAMS).map(([name, make]) => [
      name,
      ({ bytes }: Hostile) => {
        const push = make();
        for (let at = 0; at < bytes.length; at++) push(bytes.subarray(at, at + 1));
      },
    ]),
  );
}

test('the table has every exported function that takes text or bytes in these rooms, and no other', (t) => {
  t.deepEqual(Object.keys(TABLE).sort(), textTakers(ROOMS));
});

test('whatever is given bytes one after the other is tried in single bytes too', (t) => {
  const streaming = Object.keys(TABLE).filter((name) => /\.(?:push|take|step|feed)$/.test(name));
  t.deepEqual(Object.keys(STREAMS).sort(), streaming.sort());
});

test.serial('what is quadratic is found', async (t) => {
  const blanks = (length: number): Hostile[] =>
    [...hostileTexts(length)].filter(({ name }) => name === '" "…');
  const table: Table = { slow: ({ text }) => /\s+$/.test(`${text.slice(0, text.length / 4)}x`) };
  const [found, ...more] = await tooSlow(table, blanks(SMALL), blanks(LARGE));
  t.regex(found ?? '', /^slow of " "…: /);
  t.is(more.length, 0);
});

test.serial('four times the text costs four times the time', async (t) => {
  // The clock of a machine that others use too.
  t.timeout(600_000);
  t.deepEqual(await tooSlow(TABLE, hostileTexts(SMALL), hostileTexts(LARGE)), []);
});

test.serial('so it does in single bytes', async (t) => {
  t.deepEqual(await tooSlow(byByte(), someTexts(SMALL), someTexts(LARGE)), []);
});
