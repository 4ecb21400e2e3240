/** Our forwarder beside the real Privoxy and no proxy at all, in turns that alternate. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { install } from '../../support/debian.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { percentileOf } from '../table.ts';
import { CELLS, type Cell, configOf, PAGES, type Ports, urlOf } from './cells.ts';
import { open, runLoad } from './load.ts';

export const CONTENDERS = ['none', 'ours', 'privoxy'] as const;
export type Contender = (typeof CONTENDERS)[number];

/** One contender's turn in one cell of one round. */
export interface Turn {
  readonly requests: number;
  readonly perSecond: number;
  /** ms */
  readonly p50: number;
  readonly p99: number;
  readonly connections: number;
}

export interface CellResult {
  readonly cell: Cell;
  /** one of each contender for each round, in order; undefined where nothing was answered */
  readonly rounds: readonly Readonly<Record<Contender, Turn | undefined>>[];
  readonly failures: readonly string[];
}

/** After one that warms up and is thrown away. */
const ROUNDS = 5;
/** ms of a turn: some 300 of them, warming up included, are to fit into two minutes. */
const TURN_MS = 320;
const START_MS = 10_000;
const SERVICE = join(import.meta.dirname, '../../../services/forwarder/main.ts');

type Say = (line: string) => void;

export async function runForwarder(say: Say, signal: AbortSignal): Promise<CellResult[]> {
  const problem = install('tests');
  if (problem !== undefined) throw new Error(problem);
  await using stack = new AsyncDisposableStack();
  const upstream = fork(join(import.meta.dirname, 'upstream.ts'), { execArgv: [] });
  stack.defer(() => end(upstream));
  const [ports] = (await once(upstream, 'message', { signal })) as [Ports];
  // Looks for Privoxy when it is loaded, so only after it was installed.
  const { startPrivoxy, writeFiles } = await import('../../forwarder/support/proxies.ts');
  const privoxy = await startPrivoxy(configOf(ports));
  stack.defer(() => privoxy.stop());
  const ours = await freePort();
  const folder = writeFiles(`listen-address 127.0.0.1:${ours}\n${configOf(ports)}`);
  stack.defer(() => rmSync(folder, { recursive: true }));
  // As the image starts it.
  const args = ['--max-old-space-size=64', SERVICE, '--config', join(folder, 'config'), '--log', 'error'];
  const service = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  stack.defer(() => end(service));
  await eventually('our forwarder listens', START_MS, async () => (await open(ours)).destroy());
  return await rounds({ none: ports.http, ours, privoxy: privoxy.port }, ports, say, signal);
}

async function rounds(
  listening: Readonly<Record<Contender, number>>,
  ports: Ports,
  say: Say,
  signal: AbortSignal,
): Promise<CellResult[]> {
  const results = CELLS.map((cell) => ({
    cell,
    rounds: [] as Record<Contender, Turn | undefined>[],
    failures: [] as string[],
  }));
  for (let round = 0; round <= ROUNDS; round++) {
    say(round === 0 ? 'forwarder: warming up' : `forwarder: round ${round} of ${ROUNDS}`);
    for (const { cell, rounds, failures } of results) {
      const turns: Record<Contender, Turn | undefined> = {
        none: undefined,
        ours: undefined,
        privoxy: undefined,
      };
      // Whoever comes first in one round comes last in the next.
      for (const contender of round % 2 === 0 ? CONTENDERS : CONTENDERS.toReversed()) {
        signal.throwIfAborted();
        const { turn, failed } = await take(contender, listening[contender], cell, ports);
        turns[contender] = turn;
        failures.push(...new Set(failed.map((reason) => `${contender}, round ${round}: ${reason}`)));
      }
      if (round > 0) rounds.push(turns);
    }
  }
  return results;
}

async function take(
  contender: Contender,
  port: number,
  cell: Cell,
  ports: Ports,
): Promise<{ turn: Turn | undefined; failed: readonly string[] }> {
  const { path, bytes } = PAGES[cell.page];
  const url = urlOf(cell, ports);
  const { latencies, seconds, connections, failures } = await runLoad({
    port,
    target: contender === 'none' ? path : url,
    host: new URL(url).host,
    bodyBytes: bytes,
    keepAlive: cell.keepAlive,
    clients: cell.clients,
    duration: TURN_MS,
  });
  if (latencies.length === 0) return { turn: undefined, failed: failures };
  const turn = {
    requests: latencies.length,
    perSecond: latencies.length / seconds,
    p50: percentileOf(latencies, 50),
    p99: percentileOf(latencies, 99),
    connections,
  };
  const kept = !cell.keepAlive || connections <= cell.clients;
  const broken = kept ? [] : [`${connections} connections for ${cell.clients} clients that keep theirs`];
  return { turn, failed: [...failures, ...broken] };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
