import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { DialFailure, dialThroughSocks } from '../../../services/router/host/socks-dialer.ts';

const folder = mkdtempSync(join(tmpdir(), 'allium-socks-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const target = { host: '198.51.100.7', port: 12_345, isolation: 'bucket-3' };
const never = new AbortController().signal;

/** A SOCKS5 server that reads exactly what RFC 1928 and 1929 say and answers `reply`; keeps what it was asked. */
async function socksServer(path: string, reply: number): Promise<{ server: Server; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((socket) => void serve(socket, reply, asked).catch(() => socket.destroy()));
  server.listen(path);
  await once(server, 'listening');
  return { server, asked };
}

async function serve(socket: Socket, reply: number, asked: string[]): Promise<void> {
  const read = reader(socket);
  await read(1);
  await read((await read(1))[0] ?? 0);
  socket.write(Buffer.of(5, 2));
  await read(1);
  const user = await read((await read(1))[0] ?? 0);
  await read((await read(1))[0] ?? 0);
  socket.write(Buffer.of(1, 0));
  const head = await read(4);
  const address = await read(head[3] === 4 ? 16 : 4);
  const port = (await read(2)).readUInt16BE(0);
  asked.push(`${user} ${head[3]} ${[...address].join('.')}:${port}`);
  socket.write(Buffer.of(5, reply, 0, 1, 0, 0, 0, 0, 0, 0));
  if (reply !== 0) return void socket.end();
  socket.write('hello');
}

function reader(socket: Socket): (n: number) => Promise<Buffer> {
  return async (n) => {
    for (;;) {
      const chunk: Buffer | null = n === 0 ? Buffer.alloc(0) : socket.read(n);
      if (chunk !== null) return chunk;
      await once(socket, 'readable');
    }
  };
}

test('a stream is opened through a Unix socket with the isolation as user name, and early bytes are kept', async (t) => {
  const path = join(folder, 'ok.sock');
  const { server, asked } = await socksServer(path, 0);
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
  const { server, asked } = await socksServer(path, 0);
  (await dialThroughSocks({ path }, { ...target, host: '2001:db8::5' }, never)).destroy();
  t.regex(asked[0] ?? '', /^bucket-3 4 32\.1\.13\.184\./);
  server.close();
});

test("Tor's refusal, Tor missing, silence and giving up are told apart", async (t) => {
  const path = join(folder, 'refuse.sock');
  const { server } = await socksServer(path, 5);
  const codeOf = async (attempt: Promise<unknown>): Promise<string> => {
    const error = await t.throwsAsync(attempt, { instanceOf: DialFailure });
    return (error as DialFailure).code;
  };
  t.is(await codeOf(dialThroughSocks({ path }, target, never)), 'refused');
  server.close();
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
