/** The shipped host guard on a real kernel: one namespace plays the machine, one a workstation on its bridge. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import { allowed, ENV, kernelProblem, sh } from '../netns/support/machine.ts';
import { missing } from '../support/debian.ts';

const IMAGE = join(import.meta.dirname, '../../images/hostguard');
const MACHINE = '10.152.128.1';
const GATE = '10.152.152.10';

const test = anyTest.serial as TestFn;
const id = randomBytes(3).toString('hex');
const [machine, bridge] = [`allium-${id}-machine`, `allium-${id}-bridge`];
/** For what comes within three seconds where cores are free. */
const PATIENCE_MS = 20_000;
const problem = missing('nft', 'ip') ?? kernelProblem();
const servers: ChildProcess[] = [];
let guard: ChildProcess | undefined;

function inside(namespace: string, ...command: string[]): ChildProcess {
  return spawn('ip', ['netns', 'exec', namespace, ...command], { env: ENV, stdio: 'ignore' });
}

/** True when it went well within a second. */
function does(namespace: string, line: string): boolean {
  const command = ['netns', 'exec', namespace, 'timeout', '1', 'bash', '-c', line];
  return spawnSync('ip', command, { env: ENV }).status === 0;
}

const isGuarded = (): boolean =>
  spawnSync('ip', ['netns', 'exec', machine, join(IMAGE, 'guarded.sh')], { env: ENV }).status === 0;

async function eventually(what: () => boolean): Promise<boolean> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(100)) if (what()) return true;
  return false;
}

anyTest.before(async () => {
  if (problem !== undefined) return;
  for (const name of [machine, bridge]) sh('ip', 'netns', 'add', name);
  for (const [device, peer, own, other] of [
    ['allium-lan', 'lan0', MACHINE, GATE],
    ['eth7', 'other0', '192.0.2.1', '192.0.2.2'],
  ] as const) {
    sh('ip', '-n', machine, 'link', 'add', device, 'type', 'veth', 'peer', 'name', peer, 'netns', bridge);
    sh('ip', '-n', machine, 'addr', 'add', `${own}/18`, 'dev', device);
    sh('ip', '-n', bridge, 'addr', 'add', `${other}/18`, 'dev', peer);
    sh('ip', '-n', machine, 'link', 'set', device, 'up');
    sh('ip', '-n', bridge, 'link', 'set', peer, 'up');
  }
  const script = "require('node:net').createServer((s) => s.end()).listen(8118, '0.0.0.0')";
  for (const name of [machine, bridge]) servers.push(inside(name, process.execPath, '-e', script));
  await eventually(() => does(bridge, `: >/dev/tcp/${MACHINE}/8118`));
});

anyTest.after.always(() => {
  for (const child of [...servers, guard]) child?.kill('SIGKILL');
  for (const name of [machine, bridge]) spawnSync('ip', ['netns', 'del', name], { env: ENV });
});

test('without the guard a workstation reaches the machine: the test is not blind', (t) => {
  if (!allowed(t, problem)) return;
  t.true(does(bridge, `: >/dev/tcp/${MACHINE}/8118`));
});

test('with it nobody on our bridge does, and the machine still reaches the gateway', async (t) => {
  if (!allowed(t, problem)) return;
  guard = inside(machine, join(IMAGE, 'entrypoint.sh'), IMAGE);
  t.true(await eventually(isGuarded));
  t.false(does(bridge, `: >/dev/tcp/${MACHINE}/8118`));
  t.true(await eventually(() => does(machine, `: >/dev/tcp/${GATE}/8118`)));
  t.true(
    await eventually(() => does(bridge, ': >/dev/tcp/192.0.2.1/8118')),
    'other networks of the machine are not ours',
  );
});

test('a firewall that is flushed gets the guard’s table back', async (t) => {
  if (!allowed(t, problem)) return;
  sh('ip', 'netns', 'exec', machine, 'nft', 'flush', 'ruleset');
  t.true(await eventually(isGuarded));
  t.false(does(bridge, `: >/dev/tcp/${MACHINE}/8118`));
});

test('a part of the table that is taken out comes back, whichever it is', async (t) => {
  if (!allowed(t, problem)) return;
  const [nft, table] = [
    ['netns', 'exec', machine, 'nft'],
    ['inet', 'allium_hostguard'],
  ] as const;
  // The kernel gives the members of a set in any order.
  const listing = (): string =>
    sh('ip', ...nft, '-s', 'list', 'table', ...table).replace(/\{ "allium[^}]*\}/, '{ ours }');
  const before = listing();
  for (const chain of ['in', 'forward']) {
    sh('ip', ...nft, 'flush', 'chain', ...table, chain);
    t.not(listing(), before);
    t.true(await eventually(() => listing() === before), `${chain}: ${listing()}`);
  }
});

test('told to end, it takes its table away', async (t) => {
  if (!allowed(t, problem)) return;
  guard?.kill('SIGTERM');
  t.true(await eventually(() => guard?.exitCode === 0));
  t.is(sh('ip', 'netns', 'exec', machine, 'nft', 'list', 'tables'), '');
});
