/** Machines of their own on this one (test/machines), with this machine's own programs as their root. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Machine, type Place } from '../machines/machine.ts';
import { missing } from '../support/debian.ts';
import { eventually, must } from '../support/eventually.ts';
import { allowed, kernelProblem } from './support/machine.ts';

const problem = missing('slirp4netns', 'perl') ?? kernelProblem();
const test = anyTest.serial as TestFn;
const root = mkdtempSync(join(tmpdir(), 'allium-machine-'));
const NAME = 'allium-try-machine';
const PLACE: Place = {
  name: NAME,
  root,
  shared: [
    ['/usr', '/usr'],
    ['/etc', '/etc'],
  ],
};
/** No other process has this argument. */
const SLEEP = `${process.pid}.75`;
const OWNER = `
  import { Machine } from ${JSON.stringify(join(import.meta.dirname, '../machines/machine.ts'))};
  const machine = await Machine.begin(${JSON.stringify(PLACE)});
  console.log('begun');
  await machine.run('sleep ${SLEEP}', '/');`;

anyTest.before(() => {
  for (const folder of ['proc', 'sys', 'dev', 'run', 'tmp']) mkdirSync(join(root, folder));
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) {
    if (existsSync(`/usr/${folder}`)) symlinkSync(`usr/${folder}`, join(root, folder));
  }
});
anyTest.after.always(() => rmSync(root, { recursive: true }));

function sleeping(): boolean {
  return globSync('/proc/[0-9]*/cmdline').some((file) => {
    try {
      return readFileSync(file, 'utf8') === `sleep\0${SLEEP}\0`;
    } catch {
      return false;
    }
  });
}

const groups = (): string[] => globSync([`/sys/fs/cgroup/${NAME}`, `/sys/fs/cgroup/*/${NAME}`]);

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
}

test('it has processes, a name, a network and control groups of its own, and leaves nothing', async (t) => {
  if (!allowed(t, problem)) return;
  const machine = await Machine.begin(PLACE);
  try {
    t.is(await machine.read('cat /proc/sys/kernel/hostname', '/'), NAME);
    t.is(await machine.read('cat /proc/1/comm', '/'), 'perl');
    t.is(await machine.read('ls /sys/class/net', '/'), 'lo\ntap0');
    t.notRegex(await machine.read('cat /proc/self/cgroup', '/'), /:\/[^\n]+\n/);
    t.is(await machine.run('exit 3', '/'), 3);
    t.true(groups().length > 0);
    t.is(await machine.run(`sleep ${SLEEP} & sleep 0.1`, '/'), 0);
    t.true(sleeping());
  } finally {
    await machine.end();
  }
  t.false(sleeping());
  t.deepEqual(groups(), []);
});

test('it ends with whoever began it, even by kill -9, and the next one finds nothing in its way', async (t) => {
  if (!allowed(t, problem)) return;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', OWNER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(owner.stdout, 'data');
  await eventually('it runs', 5_000, () => must(sleeping(), 'no sleep'));
  owner.kill('SIGKILL');
  await ended(owner);
  await eventually('all of it is gone', 5_000, () => must(!sleeping(), 'it still sleeps'));
  const next = await Machine.begin(PLACE);
  t.is(await next.read('ls /sys/class/net', '/'), 'lo\ntap0');
  await next.end();
  t.deepEqual(groups(), []);
});
