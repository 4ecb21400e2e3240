/** Our forwarder beside the real Privoxy and no proxy at all, in turns that alternate. */
import { cpuSecondsOf } from '../macro/process-figures.ts';
import { CELLS, type Cell } from './cells.ts';
import { type Contenders, startContenders } from './contenders.ts';
import { type Loaded, runLoad } from './load.ts';
import { type MemoryResult, measureMemory } from './memory.ts';

export const CONTENDERS = ['none', 'ours', 'privoxy'] as const;
export type Contender = (typeof CONTENDERS)[number];

/** One contender's turn in one cell of one round. */
export interface Turn extends Loaded {
  /** µs of the contender's own CPU time for one request */
  readonly cpu: number;
}

export interface CellResult {
  readonly cell: Cell;
  /** one of each contender for each round, in order */
  readonly rounds: readonly Readonly<Record<Contender, Turn>>[];
}

export interface ForwarderResult {
  readonly cells: readonly CellResult[];
  readonly memory: readonly MemoryResult[];
}

/** After one that warms up and is thrown away. */
const ROUNDS = 5;
/** wrk counts in whole seconds. */
const TURN_S = 1;

type Say = (line: string) => void;

export async function runForwarder(
  say: Say,
  signal: AbortSignal,
  wanted: (cell: Cell) => boolean = () => true,
): Promise<ForwarderResult> {
  await using stack = new AsyncDisposableStack();
  const contenders = await startContenders(stack, signal);
  const cells = await runRounds(contenders, CELLS.filter(wanted), say, signal);
  say('forwarder: memory');
  return { cells, memory: await measureMemory(contenders.proxies) };
}

async function runRounds(
  contenders: Contenders,
  cells: readonly Cell[],
  say: Say,
  signal: AbortSignal,
): Promise<CellResult[]> {
  const results = cells.map((cell) => ({
    cell,
    rounds: [] as CellResult['rounds'][number][],
  }));
  for (let round = 0; round <= ROUNDS; round++) {
    say(round === 0 ? 'forwarder: warming up' : `forwarder: round ${round} of ${ROUNDS}`);
    // Whoever comes first in one round comes last in the next.
    const order = round % 2 === 0 ? CONTENDERS : CONTENDERS.toReversed();
    const alone = new Map<string, Turn>();
    for (const { cell, rounds } of results) {
      signal.throwIfAborted();
      const turns = await takeTurns(cell, order, alone, contenders);
      if (round > 0) rounds.push(turns);
    }
  }
  return results;
}

/** Without a proxy rules make no difference: one turn of `alone` serves for all of them. */
async function takeTurns(
  cell: Cell,
  order: readonly Contender[],
  alone: Map<string, Turn>,
  contenders: Contenders,
): Promise<Readonly<Record<Contender, Turn>>> {
  const turns: [Contender, Turn][] = [];
  for (const contender of order) {
    const key = contender === 'none' ? withoutRules(cell) : '';
    const turn = alone.get(key) ?? (await take(contender, cell, contenders));
    if (key !== '') alone.set(key, turn);
    turns.push([contender, turn]);
  }
  return Object.fromEntries(turns) as Record<Contender, Turn>;
}

function withoutRules({ way, page, keepAlive, clients }: Cell): string {
  return [way, page, keepAlive, clients].join();
}

async function take(contender: Contender, cell: Cell, { server, proxies }: Contenders): Promise<Turn> {
  const { port, pid } = contender === 'none' ? server : proxies[contender][cell.rules];
  const before = await cpuSecondsOf(pid);
  // Without a proxy, .i2p is its HTTP parent asked by the client itself.
  const loaded = await runLoad(port, cell, TURN_S, contender !== 'none' || cell.way === '.i2p');
  const cpu = ((await cpuSecondsOf(pid)) - before) * 1e6;
  return { ...loaded, cpu: cpu / Math.max(loaded.requests, 1) };
}
