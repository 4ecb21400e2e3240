import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveHealth } from '@allium/common/lifecycle/health.ts';
import { Lifecycle } from '@allium/common/lifecycle/lifecycle.ts';
import { ListenError, listen, parseListenAddress } from '@allium/common/lifecycle/listen.ts';
import test from 'ava';

const folder = mkdtempSync(join(tmpdir(), 'allium-lifecycle-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

test('parts stop in reverse order, and one that fails does not keep the others', async (t) => {
  const ended: string[] = [];
  const life = new Lifecycle();
  for (const name of ['a', 'b', 'c']) {
    life.add(name, () => {
      ended.push(name);
      if (name === 'b') throw new Error('b');
    });
  }
  t.deepEqual(await life.stop(), ['b']);
  t.deepEqual(ended, ['c', 'b', 'a']);
  await life.stop();
  t.is(ended.length, 3, 'stopping twice stops once');
});

test('a part that cannot start stops what was started', async (t) => {
  const ended: string[] = [];
  const life = new Lifecycle();
  life.add('a', () => void ended.push('a'));
  await t.throwsAsync(
    life.start('b', () => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  t.deepEqual(ended, ['a']);
});

test('listen addresses', (t) => {
  t.deepEqual(parseListenAddress('/run/x.sock'), { path: '/run/x.sock' });
  t.deepEqual(parseListenAddress('127.0.0.1:80'), { host: '127.0.0.1', port: 80 });
  t.deepEqual(parseListenAddress('[::1]:80'), { host: '::1', port: 80 });
  for (const wrong of ['', 'x', ':80', 'a:70000', '1.2.3.4:', 'a:b', '::1:80'])
    t.is(parseListenAddress(wrong), undefined);
});

test('a stale socket is replaced, a live one and a file are not', async (t) => {
  const path = join(folder, 'a.sock');
  const first = createNetServer();
  await listen(first, { path });
  t.is(statSync(path).mode & 0o777, 0o660);
  const second = await t.throwsAsync(listen(createNetServer(), { path }), { instanceOf: ListenError });
  t.is(second?.code, 'in-use');
  first.close();
  const file = join(folder, 'file');
  writeFileSync(file, '');
  t.is(
    (await t.throwsAsync(listen(createServer(), { path: file }), { instanceOf: ListenError }))?.code,
    'not-a-socket',
  );
});

test('the health socket tells ready, status, and nothing else', async (t) => {
  const path = join(folder, 'health.sock');
  let ready = false;
  const health = await serveHealth({ path }, { ready: () => ready, status: () => ({ stage: 'peers' }) });
  t.deepEqual(await get(path, '/health'), { status: 503, body: { ready: false } });
  ready = true;
  t.deepEqual(await get(path, '/health'), { status: 200, body: { ready: true } });
  t.deepEqual((await get(path, '/status')).body, { stage: 'peers' });
  t.is((await get(path, '/etc/passwd')).status, 404);
  await health.stop();
  await t.throwsAsync(get(path, '/health'));
});

function get(socketPath: string, path: string): Promise<{ status: number; body: unknown }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: unknown }>();
  request({ socketPath, path, agent: false }, (res) => {
    let body = '';
    res.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    res.on('end', () => resolve({ status: res.statusCode ?? 0, body: JSON.parse(body) }));
  })
    .on('error', reject)
    .end();
  return promise;
}
