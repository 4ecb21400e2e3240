import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { DialFailure, dialThroughSocks } from '../../../services/router/host/socks-dialer.ts';
import { socksServer } from '../../support/socks-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'allium-socks-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const target = { host: '198.51.100.7', port: 12_345, isolation: 'bucket-3' };
const never = new AbortController().signal;

test('a stream is opened through a Unix socket with the isolation as user name, and early bytes are kept', async (t) => {
  const path = join(folder, 'ok.sock');
  const { server, asked } = await socksServer(path, { early: 'hello' });
  const socket = await dialThroughSocks({ path }, target, never);
  const first = once(socket, 'data');
  socket.resume();
  const [bytes] = (await first) as [Buffer];
  t.is(bytes.toString(), 'hello');
  t.deepEqual(asked, ['bucket-3 1 198.51.100.7:12345']);
  socket.destroy();
  server.close();
});

test('IPv6 literals are sent as addresses, never as names', async (t) => {
  const path = join(folder, 'v6.sock');
  const { server, asked } = await socksServer(path, { early: 'hello' });
  (await dialThroughSocks({ path }, { ...target, host: '2001:db8::5' }, never)).destroy();
  t.regex(asked[0] ?? '', /^bucket-3 4 32\.1\.13\.184\./);
  server.close();
});

test("Tor's refusal, Tor missing, silence and giving up are told apart", async (t) => {
  const path = join(folder, 'refuse.sock');
  const { server } = await socksServer(path, { reply: 5 });
  const codeOf = async (attempt: Promise<unknown>): Promise<string> => {
    const error = await t.throwsAsync(attempt, { instanceOf: DialFailure });
    return (error as DialFailure).code;
  };
  t.is(await codeOf(dialThroughSocks({ path }, target, never)), 'refused');
  server.close();
  for (const [reply, code] of [
    [1, 'circuit'],
    [2, 'refused'],
    [3, 'circuit'],
    [4, 'refused'],
    [6, 'refused'],
  ] as const) {
    const other = join(folder, `reply-${reply}.sock`);
    const tor = await socksServer(other, { reply });
    t.is(await codeOf(dialThroughSocks({ path: other }, target, never)), code);
    tor.server.close();
  }
  t.is(await codeOf(dialThroughSocks({ path: join(folder, 'none.sock') }, target, never)), 'proxy');
  const silent = createServer().listen(join(folder, 'silent.sock'));
  await once(silent, 'listening');
  t.is(await codeOf(dialThroughSocks({ path: join(folder, 'silent.sock') }, target, never, 50)), 'timeout');
  const abort = new AbortController();
  const attempt = dialThroughSocks({ path: join(folder, 'silent.sock') }, target, abort.signal);
  setImmediate(() => abort.abort());
  t.is(await codeOf(attempt), 'aborted');
  silent.close();
});
