import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ask } from '@allium/common/unix-json/ask.ts';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { eventually } from '../support/eventually.ts';

const MAIN = join(import.meta.dirname, '../../services/tor-filter/main.ts');
const anything = { schema: z.unknown() };

function configured(t: ExecutionContext, config: (folder: string) => string) {
  const folder = mkdtempSync(join(tmpdir(), 'allium-tor-filter-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'tor-filter.yaml');
  writeFileSync(file, config(folder));
  return { folder, file };
}

function start(t: ExecutionContext, ...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => void child.kill('SIGKILL'));
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(
    ([out, err, [code]]) => ({ code: code as number, out, err }),
  );
  return { child, ended };
}

test('it answers without Tor, tells its health, and stops on SIGTERM', async (t) => {
  const sockets = (folder: string) =>
    `listen: ${folder}/door.sock\ntor: ${folder}/nowhere\nhealth: { listen: ${folder}/health.sock }\n`;
  const { folder, file } = configured(t, sockets);
  const { child, ended } = start(t, '--config', file);
  const health = join(folder, 'health.sock');
  await eventually('it is up', 10_000, () => ask(health, 'GET /health', undefined, anything));
  const client = connect(join(folder, 'door.sock'));
  client.write('AUTHENTICATE\r\nGETINFO version\r\nGETINFO address\r\nQUIT\r\n');
  t.is(
    await text(client),
    '250 OK\r\n551 Tor does not answer\r\n510 Command filtered\r\n250 closing connection\r\n',
  );
  t.like(await ask(health, 'GET /status', undefined, anything), { counters: { filtered: 1 } });
  child.kill('SIGTERM');
  t.deepEqual(await ended, { code: 0, out: '', err: '' });
});

test('a wrong configuration ends the start with every line', async (t) => {
  const { file } = configured(t, () => 'listen: nonsense\ntor: relative\nextra: 1\n');
  const { code, err } = await start(t, '--config', file).ended;
  t.is(code, 1);
  t.deepEqual(err.trim().split('\n'), [
    `${file}:1:1: listen: an absolute socket path or HOST:PORT`,
    `${file}:2:1: tor: an absolute path`,
    `${file}:3:1: extra: unknown key`,
  ]);
});
