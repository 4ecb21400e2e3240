import { SOCKS_MESSAGE_MAX } from '@allium/common/socks/handshake.ts';
import {
  SOCKS_EARLY_MAX,
  SOCKS_HANDSHAKE_MS,
  type SocksCloseReason,
  SocksServer,
  type SocksServerOutput,
} from '@allium/common/socks/server.ts';
import test from 'ava';
import fc from 'fast-check';

const NOW = 1_000_000;
const GREETING = '050100';
const NAME = Buffer.from('foo.i2p').toString('hex');
const CONNECT5 = `0501000307${NAME}0050`;
const CONNECT4A = `040100500000000100${NAME}00`;
const ok = '0500';

/** Outputs after `hex`, in pieces of `size` bytes; sends are joined. */
function run(
  hex: string,
  size = Number.POSITIVE_INFINITY,
  server = new SocksServer(),
): { server: SocksServer; sent: string; rest: SocksServerOutput[] } {
  server.step({ kind: 'start' }, NOW);
  const bytes = Buffer.from(hex, 'hex');
  let sent = '';
  const rest: SocksServerOutput[] = [];
  for (let at = 0; at < bytes.length; at += Math.min(size, bytes.length)) {
    const part = bytes.subarray(at, at + Math.min(size, bytes.length));
    for (const output of server.step({ kind: 'bytes', bytes: part }, NOW)) {
      if (output.kind === 'send') sent += Buffer.from(output.bytes).toString('hex');
      else rest.push(output);
    }
  }
  return { server, sent, rest };
}

/** What is asked for, in short. */
function shortly(output: SocksServerOutput | undefined): unknown {
  if (output?.kind !== 'request') return output;
  const { request, login, version } = output;
  const { command, host, port, user } = request;
  const key = login === undefined ? (user ?? '') : `${text(login.user)}/${text(login.password)}`;
  return `${version} ${command} ${host} ${port} ${key}`;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const close = (reason: SocksCloseReason): SocksServerOutput => ({ kind: 'close', reason, asked: false });
const reply5 = (code: number): string => `05${code.toString(16).padStart(2, '0')}0001000000000000`;

const CASES: readonly (readonly [title: string, hex: string, sent: string, rest: unknown[]])[] = [
  ['SOCKS 5 with a name is a request', GREETING + CONNECT5, ok, ['5 1 foo.i2p 80 ']],
  ['SOCKS 5 has any port', `${GREETING}0501000307${NAME}ffff`, ok, ['5 1 foo.i2p 65535 ']],
  ['SOCKS 5 has any command', `${GREETING}05f0000307${NAME}0050`, ok, ['5 240 foo.i2p 80 ']],
  ['an IPv4 address is no name', `${GREETING}050100017f0000010050`, ok, ['5 1 undefined 80 ']],
  ['an IPv6 address is no name', `${GREETING}05010004${'00'.repeat(16)}0050`, ok, ['5 1 undefined 80 ']],
  ['SOCKS 4a with a name is a request', CONNECT4A, '', ['4 1 foo.i2p 80 ']],
  [
    'SOCKS 4a at port 1 without a user, as monerod sends it',
    `040100010000000100${NAME}00`,
    '',
    ['4 1 foo.i2p 1 '],
  ],
  ['a SOCKS 4a user is told', `04010050000000017500${NAME}00`, '', ['4 1 foo.i2p 80 u']],
  ['a SOCKS 4 address is no name', '040100507f00000100', '', ['4 1 undefined 80 ']],
  ['a login is preferred', `05020002010175027071${CONNECT5}`, '05020100', ['5 1 foo.i2p 80 u/pq']],
  ['an empty login is taken', `050102010000${CONNECT5}`, '05020100', ['5 1 foo.i2p 80 /']],
  ['other methods only are turned down', '05020180', '05ff', [close('no-method')]],
  ['no method at all is turned down', '0500', '05ff', [close('no-method')]],
  ['an unknown address type is refused', `${GREETING}05010009`, ok + reply5(8), [close('refused')]],
  ["a visitor's address is no request", `${GREETING}050100e0`, ok + reply5(8), [close('refused')]],
  ['another version is cut', '474554', '', [close('malformed')]],
  ['another version after the greeting is cut', `${GREETING}04010003`, ok, [close('malformed')]],
  ['a login of another version is cut', '05010202', '0502', [close('malformed')]],
  ['a SOCKS 4 user without end is cut', `0401005000000001${'61'.repeat(300)}`, '', [close('malformed')]],
];

for (const [title, hex, sent, rest] of CASES) {
  test(`${title}, whole and byte by byte`, (t) => {
    for (const size of [Number.POSITIVE_INFINITY, 1, 3]) {
      const got = run(hex, size);
      t.is(got.sent, sent);
      t.deepEqual(got.rest.map(shortly), rest);
    }
  });
}

test('a server of SOCKS 5 alone cuts SOCKS 4', (t) => {
  t.deepEqual(run(CONNECT4A, 1, new SocksServer({ versions: [5] })).rest, [close('malformed')]);
  t.is(shortly(run(GREETING + CONNECT5, 1, new SocksServer({ versions: [5] })).rest[0]), '5 1 foo.i2p 80 ');
});

test('a truncated handshake never asks for anything', (t) => {
  for (const hex of [GREETING + CONNECT5, CONNECT4A, `05020002010175027071${CONNECT5}`]) {
    for (let length = 0; length < hex.length - 2; length += 2) {
      const { server, rest } = run(hex.slice(0, length));
      t.deepEqual(rest, []);
      t.deepEqual(server.step({ kind: 'granted' }, NOW), []);
      t.deepEqual(server.step({ kind: 'refused', code: 1 }, NOW), []);
      t.deepEqual(server.step({ kind: 'ended' }, NOW), [close('ended')]);
    }
  }
});

test('a granted request is told, then early bytes pass and the server is done', (t) => {
  const { server } = run(`${GREETING}${CONNECT5}6869`);
  server.step({ kind: 'bytes', bytes: Buffer.from('!') }, NOW);
  t.deepEqual(server.step({ kind: 'granted' }, NOW), [
    { kind: 'send', bytes: Buffer.from(reply5(0), 'hex') },
    { kind: 'relay', early: Uint8Array.from(Buffer.from('hi!')) },
  ]);
  t.deepEqual(server.step({ kind: 'bytes', bytes: Buffer.from('x') }, NOW), []);
  t.deepEqual(server.step({ kind: 'ended' }, NOW), []);
});

test('SOCKS 4 says granted and rejected in its own words', (t) => {
  const granted = Buffer.from('005a000000000000', 'hex');
  t.deepEqual(run(CONNECT4A).server.step({ kind: 'granted' }, NOW)[0], { kind: 'send', bytes: granted });
  const rejected = Buffer.from('005b000000000000', 'hex');
  t.deepEqual(run(CONNECT4A).server.step({ kind: 'refused', code: 0xe4 }, NOW), [
    { kind: 'send', bytes: rejected },
    close('refused'),
  ]);
});

test('a refusal has the code that was given', (t) => {
  const { server } = run(GREETING + CONNECT5);
  t.deepEqual(server.step({ kind: 'refused', code: 0xe4 }, NOW), [
    { kind: 'send', bytes: Buffer.from(reply5(0xe4), 'hex') },
    close('refused'),
  ]);
});

test('bytes are handed on before the request is granted once somebody takes them', (t) => {
  const { server, rest } = run(`${GREETING}${CONNECT5}6869`);
  t.like(rest, [{ kind: 'request', early: 2 }]);
  server.step({ kind: 'bytes', bytes: Buffer.from('!') }, NOW);
  t.deepEqual(server.step({ kind: 'taking' }, NOW), [
    { kind: 'data', bytes: Uint8Array.from(Buffer.from('hi!')) },
  ]);
  t.deepEqual(server.step({ kind: 'taking' }, NOW), []);
  const more = Buffer.from('more');
  t.deepEqual(server.step({ kind: 'bytes', bytes: more }, NOW), [{ kind: 'data', bytes: more }]);
  t.deepEqual(server.step({ kind: 'granted', reply: Buffer.of(7) }, NOW), [
    { kind: 'send', bytes: Buffer.of(7) },
    { kind: 'relay', early: new Uint8Array(0) },
  ]);
});

test('a paused client is read on when its bytes are taken', (t) => {
  const early = Buffer.alloc(SOCKS_EARLY_MAX + 1);
  const { server, rest } = run(`${GREETING}${CONNECT5}${early.toString('hex')}`);
  t.deepEqual(
    rest.map(({ kind }) => kind),
    ['pause', 'request'],
  );
  const [resume, data] = server.step({ kind: 'taking' }, NOW);
  t.deepEqual(resume, { kind: 'resume' });
  t.is(data?.kind === 'data' ? data.bytes.length : 0, early.length);
});

test('an interim reply leaves the request open, and an empty one is no reply', (t) => {
  const { server } = run(GREETING + CONNECT5);
  const reply = Buffer.of(5, 0);
  t.deepEqual(server.step({ kind: 'interim', reply }, NOW), [{ kind: 'send', bytes: reply }]);
  t.deepEqual(server.step({ kind: 'granted', reply: new Uint8Array(0) }, NOW), [
    { kind: 'relay', early: new Uint8Array(0) },
  ]);
});

test('a client that leaves before the answer gives its request up', (t) => {
  for (const kind of ['interim', 'taking'] as const) {
    const { server } = run(GREETING + CONNECT5);
    server.step({ kind, reply: new Uint8Array(0) }, NOW);
    t.deepEqual(server.step({ kind: 'ended' }, NOW), [{ kind: 'close', reason: 'ended', asked: true }]);
    t.deepEqual(server.step({ kind: 'granted' }, NOW), []);
  }
});

test('reading pauses once when too many early bytes come', (t) => {
  const { server } = run(GREETING + CONNECT5);
  const bytes = Buffer.alloc(SOCKS_EARLY_MAX);
  t.deepEqual(server.step({ kind: 'bytes', bytes }, NOW), []);
  t.deepEqual(server.step({ kind: 'bytes', bytes: Buffer.of(1) }, NOW), [{ kind: 'pause' }]);
  t.deepEqual(server.step({ kind: 'bytes', bytes: Buffer.of(1) }, NOW), []);
});

test('a slow handshake is cut at its deadline, a slow answer is not', (t) => {
  const slow = new SocksServer();
  t.deepEqual(slow.step({ kind: 'start' }, NOW), [{ kind: 'wake', at: NOW + SOCKS_HANDSHAKE_MS }]);
  slow.step({ kind: 'bytes', bytes: Buffer.of(5) }, NOW);
  t.deepEqual(slow.step({ kind: 'tick' }, NOW + SOCKS_HANDSHAKE_MS - 1), []);
  t.deepEqual(slow.step({ kind: 'tick' }, NOW + SOCKS_HANDSHAKE_MS), [close('slow')]);
  const { server } = run(GREETING + CONNECT5);
  t.deepEqual(server.step({ kind: 'tick' }, NOW + 10 * SOCKS_HANDSHAKE_MS), []);
});

test('random input in random pieces never throws and holds bounded memory', (t) => {
  const start = fc.constantFrom('', '05', '050100', '04', '0401', '050102', `${GREETING}050100`);
  fc.assert(
    fc.property(start, fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 8 }), (hex, parts) => {
      const { server, rest } = run(hex);
      let closed = rest.some((output) => output.kind === 'close');
      let fed = 0;
      for (const bytes of parts) {
        const out = server.step({ kind: 'bytes', bytes }, NOW);
        if (closed) t.deepEqual(out, []);
        closed ||= out.some((output) => output.kind === 'close' || output.kind === 'request');
        fed += bytes.length;
        if (closed) break;
      }
      if (!closed) t.true(fed <= SOCKS_MESSAGE_MAX);
    }),
  );
});

test('what a client sends early in single bytes is gathered in one pass', (t) => {
  const { server } = run(GREETING + CONNECT5);
  // Four times what is asked of a client to keep to; copying all for each byte took seconds.
  const length = 4 * SOCKS_EARLY_MAX;
  const before = process.threadCpuUsage().user;
  for (let at = 0; at < length; at++) server.step({ kind: 'bytes', bytes: Buffer.of(at & 0xff) }, NOW);
  t.true(process.threadCpuUsage().user - before < 1_000_000);
  const [, data] = server.step({ kind: 'taking' }, NOW);
  if (data?.kind !== 'data') return t.fail();
  t.deepEqual(Buffer.from(data.bytes), Buffer.from(Uint8Array.from({ length }, (_, at) => at)));
});
