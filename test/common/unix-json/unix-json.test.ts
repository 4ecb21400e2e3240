import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import { AskError, ask, KeptAsker } from '@allium/common/unix-json/ask.ts';
import {
  get,
  ok,
  post,
  type Route,
  refuse,
  type ServeOptions,
  serve,
} from '@allium/common/unix-json/serve.ts';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';

const folder = mkdtempSync(join(tmpdir(), 'allium-json-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const word = z.strictObject({ word: z.string().max(3_000) });
const any = { schema: z.unknown() };
let sockets = 0;

async function served(t: ExecutionContext, routes: Record<string, Route>, options?: ServeOptions) {
  const path = join(folder, `${sockets++}.sock`);
  const { stop } = await serve({ path }, routes, options);
  t.teardown(stop);
  return path;
}

/** Bytes in, whatever comes back until the other side closes. */
async function raw(path: string, bytes: string): Promise<string> {
  const socket = connect(path);
  socket.on('error', () => {});
  socket.write(bytes);
  return await text(socket);
}

const posted = (body: string, path = '/echo'): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

test('a request that fits is answered, and the answer is checked', async (t) => {
  const path = await served(t, { 'GET /it': get(() => ok({ is: 1 })), 'POST /echo': post(word, ok) });
  t.deepEqual(await ask(path, 'GET /it', undefined, { schema: z.object({ is: z.number() }) }), { is: 1 });
  t.deepEqual(await ask(path, 'POST /echo', { word: 'é' }, { schema: word }), { word: 'é' });
  const strange = ask(path, 'GET /it', undefined, { schema: z.object({ is: z.string() }) });
  t.is((await t.throwsAsync(strange, { instanceOf: AskError }))?.code, 'malformed');
});

test('what is no request never reaches its route', async (t) => {
  const seen: unknown[] = [];
  const path = await served(t, {
    'POST /echo': post(word, (body) => {
      seen.push(body);
      return ok(body);
    }),
  });
  for (const body of ['', 'no json', '{}', '{"word":1}', '{"word":"a","more":1}', '[]', 'null']) {
    const answer = await raw(path, posted(body));
    t.regex(answer, /^HTTP\/1\.1 400 [\s\S]*"code": "invalid"/, body);
  }
  t.regex(await raw(path, posted('{}', '/other')), /^HTTP\/1\.1 404 [\s\S]*"why": "POST \/echo"/);
  t.regex(await raw(path, posted('{}', '/constructor')), /^HTTP\/1\.1 404 /);
  t.regex(await raw(path, 'GET /echo HTTP/1.1\r\nhost: x\r\n\r\n'), /^HTTP\/1\.1 404 /);
  t.regex(await raw(path, `GET /${'a'.repeat(5_000)} HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 431 /);
  t.deepEqual(seen, []);
});

test('a body over its bound is refused, and its sender reads why', async (t) => {
  const path = await served(t, {
    'POST /echo': post(word, ok),
    'POST /long': post(word, ok, { bytes: 4_000 }),
  });
  const long = { word: 'a'.repeat(2_000) };
  const refused = await t.throwsAsync(ask(path, 'POST /echo', long, any), { instanceOf: AskError });
  t.like(refused?.detail, { code: 'refused', status: 413, reason: 'too-long' });
  t.deepEqual(await ask(path, 'POST /long', long, any), long);
  const huge = ask(path, 'POST /long', { word: 'a'.repeat(4_000_000) }, any);
  t.like((await t.throwsAsync(huge, { instanceOf: AskError }))?.detail, { status: 413 });
});

test('a refusal says its status, code and why', async (t) => {
  class Mine extends GatewayError<{ code: 'mine' }> {}
  const path = await served(t, {
    'GET /other': get(() => refuse(409, 'other', 'another one is here')),
    'GET /mine': get(() => Promise.reject(new Mine({ code: 'mine' }, 'it is mine'))),
    'GET /bug': get(() => {
      throw new TypeError('a bug');
    }),
    'GET /health': get(() => ({ status: 503, body: { ready: false } })),
  });
  const expected = {
    other: [{ code: 'refused', status: 409, reason: 'other' }, 'another one is here'],
    mine: [{ code: 'refused', status: 409, reason: 'mine' }, 'it is mine'],
    bug: [{ code: 'refused', status: 500, reason: 'failed' }, 'a bug'],
    health: [{ code: 'refused', status: 503, reason: 'status' }, 'status 503'],
  };
  for (const [name, [detail, message]] of Object.entries(expected)) {
    const error = await t.throwsAsync(ask(path, `GET /${name}`, undefined, any), { instanceOf: AskError });
    t.deepEqual([error?.detail, error?.message], [detail, message]);
  }
});

test('what takes too long to make is answered 504, and a late server is not waited for', async (t) => {
  const slow = post(word, () => sleep(5_000, ok({}), { ref: false }), { ms: 50 });
  const path = await served(t, {
    'POST /slow': slow,
    'GET /never': get(() => sleep(5_000, ok({}), { ref: false })),
  });
  const late = await t.throwsAsync(ask(path, 'POST /slow', { word: '' }, any), { instanceOf: AskError });
  t.like(late?.detail, { status: 504, reason: 'timeout' });
  const never = ask(path, 'GET /never', undefined, { ...any, ms: 50 });
  t.is((await t.throwsAsync(never, { instanceOf: AskError }))?.code, 'timeout');
});

test('a half request is given up in seconds', async (t) => {
  const path = await served(t, { 'POST /echo': post(word, ok) });
  const started = performance.now();
  const answers = await Promise.all([
    raw(path, 'POST /echo HT'),
    raw(path, 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{'),
  ]);
  for (const answer of answers) t.notRegex(answer, / 200 /);
  t.true(performance.now() - started < 10_000);
});

test('one connection, one question; more connections than allowed are dropped', async (t) => {
  const path = await served(t, { 'POST /echo': post(word, ok) }, { connections: 1 });
  const both = await raw(path, posted('{"word":"a"}') + posted('{"word":"b"}'));
  t.is(both.match(/HTTP\/1\.1 200/g)?.length, 1);
  t.regex(both, /connection: close/i);
  const held = connect(path);
  await new Promise((resolve) => held.once('connect', resolve));
  t.is(
    (await t.throwsAsync(ask(path, 'POST /echo', { word: '' }, any), { instanceOf: AskError }))?.code,
    'unreachable',
  );
  held.destroy();
});

test('nobody there, an answer without end, and one that is no JSON', async (t) => {
  const gone = ask(join(folder, 'nobody.sock'), 'GET /it', undefined, any);
  const error = await t.throwsAsync(gone, { instanceOf: AskError, message: /nobody\.sock: ENOENT$/ });
  t.is(error?.code, 'unreachable');
  const path = join(folder, 'raw.sock');
  const says = new Map([
    ['/endless', `${'a'.repeat(1_100_000)}`],
    ['/text', 'ready'],
  ]);
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      const body = says.get(String(bytes).split(' ')[1] ?? '') ?? '';
      socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${body}`);
    });
  }).listen(path);
  t.teardown(() => server.close());
  for (const [route, code] of [
    ['/endless', 'too-long'],
    ['/text', 'malformed'],
  ] as const) {
    const failed = ask(path, `GET ${route}`, undefined, any);
    t.is((await t.throwsAsync(failed, { instanceOf: AskError }))?.code, code);
  }
});

test('who asks often keeps its connections, and outlives a server that closes them', async (t) => {
  const path = join(folder, 'kept.sock');
  const start = () =>
    serve({ path }, { 'POST /echo': post(word, ok) }, { keepAliveMs: 60_000, connections: 2 });
  let server = await start();
  const asker = new KeptAsker(path, 2);
  t.teardown(async () => {
    asker.stop();
    await server.stop();
  });
  const words = Array.from({ length: 100 }, (_, at) => ({ word: String(at) }));
  const askAll = () => Promise.all(words.map((body) => asker.ask('POST /echo', body, { schema: word })));
  t.deepEqual(
    await askAll(),
    words,
    'a hundred questions over two connections: a third would have been dropped',
  );
  await server.stop();
  server = await start();
  t.deepEqual(await askAll(), words);
});

test('questions that wait are bounded', async (t) => {
  const path = await served(t, { 'GET /slow': get(() => sleep(200, ok({}))) }, { keepAliveMs: 1_000 });
  const asker = new KeptAsker(path, 1);
  t.teardown(() => asker.stop());
  // The first is patient, so that it is answered on busy cores too; together they would take a minute.
  const asked = Array.from({ length: 300 }, (_, n) =>
    asker.ask('GET /slow', undefined, { ...any, ms: n === 0 ? 20_000 : 500 }),
  );
  const codes = (await Promise.allSettled(asked)).map((it) =>
    it.status === 'rejected' ? it.reason.code : 'ok',
  );
  t.is(codes.filter((code) => code === 'busy').length, 300 - 256);
  t.true(codes.includes('ok') && codes.includes('timeout'));
});
