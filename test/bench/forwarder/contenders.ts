/** The proxies of a run, each a process of its own, and the parents that they share. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { install } from '../../support/debian.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { configOf, type Parents, type Rules } from './cells.ts';

export interface Listening {
  readonly port: number;
  readonly pid: number;
}

export interface Contenders {
  readonly server: Listening;
  readonly proxies: Readonly<Record<'ours' | 'privoxy', Readonly<Record<Rules, Listening>>>>;
}

const START_MS = 10_000;
const SERVICE = join(import.meta.dirname, '../../../services/forwarder/main.ts');

/** All are ended with `stack`. */
export async function startContenders(stack: AsyncDisposableStack, signal: AbortSignal): Promise<Contenders> {
  for (const group of ['tests', 'bench']) {
    const problem = install(group);
    if (problem !== undefined) throw new Error(problem);
  }
  const upstream = fork(join(import.meta.dirname, 'upstream.ts'), { execArgv: [] });
  stack.defer(() => end(upstream, 'SIGTERM'));
  const [parents] = (await once(upstream, 'message', { signal })) as [Parents];
  const both = async (
    start: (rules: Rules) => Promise<Listening>,
  ): Promise<Readonly<Record<Rules, Listening>>> => ({
    none: await start('none'),
    Debian: await start('Debian'),
  });
  return {
    server: { port: parents.http, pid: upstream.pid ?? 0 },
    proxies: {
      ours: await both((rules) => startOurs(rules, parents, stack)),
      privoxy: await both((rules) => startPrivoxy(rules, parents, stack)),
    },
  };
}

/** As the image starts it. */
async function startOurs(rules: Rules, parents: Parents, stack: AsyncDisposableStack): Promise<Listening> {
  const { writeFiles } = await import('../../forwarder/support/proxies.ts');
  const port = await freePort();
  const folder = writeFiles(`listen-address 127.0.0.1:${port}\n${configOf(rules, 'ours', parents)}`);
  stack.defer(() => rmSync(folder, { recursive: true }));
  const memory = ['--max-semi-space-size=2', '--max-old-space-size=64'];
  const args = [...memory, SERVICE, '--config', join(folder, 'config'), '--log', 'error'];
  const service = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  stack.defer(() => end(service, 'SIGKILL'));
  await eventually('our forwarder listens', START_MS, () => answers(port));
  return { port, pid: service.pid ?? 0 };
}

async function startPrivoxy(rules: Rules, parents: Parents, stack: AsyncDisposableStack): Promise<Listening> {
  // Looks for Privoxy when it is loaded, so only after it was installed.
  const proxies = await import('../../forwarder/support/proxies.ts');
  const privoxy = await proxies.startPrivoxy(configOf(rules, 'privoxy', parents));
  stack.defer(() => privoxy.stop());
  return privoxy;
}

async function answers(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
