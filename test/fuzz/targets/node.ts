import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Chance } from '../engine/chance.ts';
import { Script } from '../engine/script.ts';
import { promise, type Targets } from '../engine/target.ts';
import { Life } from './life.ts';

/** Steps of a long life, and after how many of them all that a node needs has been made. */
const LONG = 1_200;
const SETTLED = 200;
/** Bytes that a node may hold more at the end of a long life. */
const GROWTH_MAX = 24 * 1_048_576;

/** Objects and bytes that are in use. */
function inUse(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A script that is made by chance, whose seed is the input: what a node holds does not grow with what it hears. */
function liveLong(input: Buffer): number {
  const life = new Life(new Script(new Chance(input.toString('hex')).bytes(16 * LONG)));
  let settled = 0;
  const outputs = life.live(LONG, (steps) => {
    if (steps === SETTLED) settled = inUse();
  });
  const grown = inUse() - settled;
  promise(
    grown < GROWTH_MAX,
    `a node holds no more after ${LONG} steps than after ${SETTLED}: ${grown} bytes`,
  );
  return outputs;
}

const IN_LIVES = 'by RouterNode.step, whose sessions and tunnels it needs';

export const TARGETS: Targets = {
  'router/node/destinations Destinations.open': 'a Destination of ours',
  'router/node/dispatch Dispatch.message': IN_LIVES,
  'router/node/local-destination LocalDestination.message': IN_LIVES,
  'router/node/local-streams LocalStreams.step': IN_LIVES,
  'router/node/queries Queries.open': IN_LIVES,
  'router/node/queries Queries.reply': IN_LIVES,
  'router/node/router-node RouterNode.step': {
    run: (input) => new Life(new Script(input)).live(),
    slow: true,
    make: (chance) => chance.bytes(6 + chance.below(260)),
    longest: 512,
  },
  'router/node/router-node RouterNode.step (long)': {
    run: liveLong,
    slow: true,
    make: (chance) => chance.bytes(8),
    longest: 8,
  },
  'router/node/sessions Sessions.step': IN_LIVES,
};
