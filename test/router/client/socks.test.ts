import { SOCKS_MESSAGE_MAX } from '@allium/common/socks/handshake.ts';
import test from 'ava';
import fc from 'fast-check';
import { DIAL_CODES } from '../../../services/router/client/dial-error.ts';
import {
  SOCKS_EARLY_MAX,
  SOCKS_HANDSHAKE_MS,
  SocksCore,
  type SocksOutput,
} from '../../../services/router/client/socks.ts';

const NOW = 1_000_000;
const GREETING = '050100';
const NAME = Buffer.from('foo.i2p').toString('hex');
const CONNECT5 = `05010003${'07'}${NAME}0050`;
const CONNECT4A = `04010050000000010${'0'}${NAME}00`;

/** Outputs after `hex`, in pieces of `size` bytes; sends are joined. */
function run(
  hex: string,
  size = Number.POSITIVE_INFINITY,
): { core: SocksCore; sent: string; rest: SocksOutput[] } {
  const core = new SocksCore();
  core.step({ kind: 'start' }, NOW);
  const bytes = Buffer.from(hex, 'hex');
  let sent = '';
  const rest: SocksOutput[] = [];
  for (let at = 0; at < bytes.length; at += Math.min(size, bytes.length)) {
    const part = bytes.subarray(at, at + Math.min(size, bytes.length));
    for (const output of core.step({ kind: 'bytes', bytes: part }, NOW)) {
      if (output.kind === 'send') sent += Buffer.from(output.bytes).toString('hex');
      else rest.push(output);
    }
  }
  return { core, sent, rest };
}

const open = (host = 'foo.i2p', port = 80, isolation?: string): SocksOutput => ({
  kind: 'open',
  host,
  port,
  ...(isolation === undefined ? {} : { isolation }),
});
const close = (reason: 'malformed' | 'no-method' | 'refused'): SocksOutput => ({
  kind: 'close',
  reason,
  opening: false,
});
const reply5 = (code: number): string => `05${code.toString(16).padStart(2, '0')}0001000000000000`;
const ok = '0500';

const CASES: readonly (readonly [title: string, hex: string, sent: string, rest: SocksOutput[]])[] = [
  ['SOCKS 5 with a name opens a stream', GREETING + CONNECT5, ok, [open()]],
  ['SOCKS 5 takes any port', `${GREETING}0501000307${NAME}ffff`, ok, [open('foo.i2p', 65535)]],
  ['SOCKS 4a with a name opens a stream', CONNECT4A, '', [open()]],
  [
    'SOCKS 4a at port 1 without a user, as monerod sends it',
    `0401000100000001${'00'}${NAME}00`,
    '',
    [open('foo.i2p', 1)],
  ],
  [
    'a SOCKS 4a user is the isolation key',
    `040100500000000175${'00'}${NAME}00`,
    '',
    [open('foo.i2p', 80, 'socks4:dQ==')],
  ],
  [
    'a login is preferred and becomes the isolation key',
    `0502000201017502${'7071'}${CONNECT5}`,
    '05020100',
    [open('foo.i2p', 80, 'socks5:dQ==:cHE=')],
  ],
  ['an empty login is taken', `050102010000${CONNECT5}`, '05020100', [open('foo.i2p', 80, 'socks5::')]],
  ['other methods only are turned down', '05020180', '05ff', [close('no-method')]],
  ['no method at all is turned down', '0500', '05ff', [close('no-method')]],
  ['BIND is refused', `${GREETING}0502000307${NAME}0050`, ok + reply5(7), [close('refused')]],
  ['UDP ASSOCIATE is refused', `${GREETING}0503000307${NAME}0050`, ok + reply5(7), [close('refused')]],
  ["Tor's RESOLVE is refused", `${GREETING}05f0000307${NAME}0050`, ok + reply5(7), [close('refused')]],
  ['an IPv4 address is refused', `${GREETING}050100017f0000010050`, ok + reply5(8), [close('refused')]],
  [
    'an IPv6 address is refused',
    `${GREETING}05010004${'00'.repeat(16)}0050`,
    ok + reply5(8),
    [close('refused')],
  ],
  ['an unknown address type is refused', `${GREETING}05010009`, ok + reply5(8), [close('refused')]],
  [
    'an address written as a name is refused',
    `${GREETING}0501000309${Buffer.from('127.0.0.1').toString('hex')}0050`,
    ok + reply5(8),
    [close('refused')],
  ],
  [
    'a name outside of I2P is refused',
    `${GREETING}050100030b${Buffer.from('example.org').toString('hex')}0050`,
    ok + reply5(2),
    [close('refused')],
  ],
  [
    'a reserved name is refused',
    `${GREETING}0501000309${Buffer.from('proxy.i2p').toString('hex')}0050`,
    ok + reply5(2),
    [close('refused')],
  ],
  [
    'an invalid I2P name is unreachable',
    `${GREETING}0501000307${Buffer.from('f_o.i2p').toString('hex')}0050`,
    ok + reply5(4),
    [close('refused')],
  ],
  ['port 0 is refused', `${GREETING}0501000307${NAME}0000`, ok + reply5(2), [close('refused')]],
  ['a SOCKS 4 address is refused', '040100507f00000100', '005b000000000000', [close('refused')]],
  ['a SOCKS 4 zero address is refused', '040100500000000000', '005b000000000000', [close('refused')]],
  ['SOCKS 4 BIND is refused', `04020050000000010${'0'}${NAME}00`, '005b000000000000', [close('refused')]],
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
      t.deepEqual(got.rest, rest);
    }
  });
}

test('a truncated handshake never opens anything', (t) => {
  for (const hex of [GREETING + CONNECT5, CONNECT4A, `0502000201017502${'7071'}${CONNECT5}`]) {
    for (let length = 0; length < hex.length - 2; length += 2) {
      const { core, rest } = run(hex.slice(0, length));
      t.deepEqual(rest, []);
      t.deepEqual(core.step({ kind: 'ended' }, NOW), [{ kind: 'close', reason: 'ended', opening: false }]);
    }
  }
});

test('an opened stream is reported, then early bytes pass and the core is done', (t) => {
  const { core } = run(`${GREETING}${CONNECT5}6869`);
  core.step({ kind: 'bytes', bytes: Buffer.from('!') }, NOW);
  t.deepEqual(core.step({ kind: 'opened' }, NOW), [
    { kind: 'send', bytes: Buffer.from(reply5(0), 'hex') },
    { kind: 'relay', early: Buffer.from('hi!') },
  ]);
  t.deepEqual(core.step({ kind: 'bytes', bytes: Buffer.from('x') }, NOW), []);
  t.deepEqual(core.step({ kind: 'ended' }, NOW), []);
});

test('SOCKS 4 says granted', (t) => {
  const { core } = run(CONNECT4A);
  t.deepEqual(core.step({ kind: 'opened' }, NOW)[0], {
    kind: 'send',
    bytes: Buffer.from('005a000000000000', 'hex'),
  });
});

test('every dial error has its reply code', (t) => {
  const codes = DIAL_CODES.map((refusal) => {
    const { core } = run(GREETING + CONNECT5);
    const [sent, closed] = core.step({ kind: 'failed', refusal }, NOW);
    t.deepEqual(closed, close('refused'));
    return [refusal, sent?.kind === 'send' ? sent.bytes[1] : undefined];
  });
  t.deepEqual(Object.fromEntries(codes), {
    'not-ready': 3,
    'unknown-destination': 4,
    'lease-set-not-found': 4,
    'no-answer': 6,
    refused: 5,
    reset: 5,
    unsupported: 1,
    timeout: 6,
  });
});

test('a client that leaves while its stream opens gives it up', (t) => {
  const { core } = run(GREETING + CONNECT5);
  t.deepEqual(core.step({ kind: 'ended' }, NOW), [{ kind: 'close', reason: 'ended', opening: true }]);
  t.deepEqual(core.step({ kind: 'opened' }, NOW), []);
});

test('reading pauses once when too many early bytes come', (t) => {
  const { core } = run(GREETING + CONNECT5);
  const bytes = Buffer.alloc(SOCKS_EARLY_MAX);
  t.deepEqual(core.step({ kind: 'bytes', bytes }, NOW), []);
  t.deepEqual(core.step({ kind: 'bytes', bytes: Buffer.of(1) }, NOW), [{ kind: 'pause' }]);
  t.deepEqual(core.step({ kind: 'bytes', bytes: Buffer.of(1) }, NOW), []);
});

test('a slow handshake is cut at its deadline, a slow stream is not', (t) => {
  const slow = new SocksCore();
  t.deepEqual(slow.step({ kind: 'start' }, NOW), [{ kind: 'wake', at: NOW + SOCKS_HANDSHAKE_MS }]);
  slow.step({ kind: 'bytes', bytes: Buffer.of(5) }, NOW);
  t.deepEqual(slow.step({ kind: 'tick' }, NOW + SOCKS_HANDSHAKE_MS - 1), []);
  t.deepEqual(slow.step({ kind: 'tick' }, NOW + SOCKS_HANDSHAKE_MS), [
    { kind: 'close', reason: 'slow', opening: false },
  ]);
  const { core } = run(GREETING + CONNECT5);
  t.deepEqual(core.step({ kind: 'tick' }, NOW + 10 * SOCKS_HANDSHAKE_MS), []);
});

test('random input in random pieces never throws and holds bounded memory', (t) => {
  const start = fc.constantFrom('', '05', '050100', '04', '0401', '050102', `${GREETING}050100`);
  fc.assert(
    fc.property(start, fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 8 }), (hex, parts) => {
      const { core, rest } = run(hex);
      let closed = rest.some((output) => output.kind === 'close');
      let fed = 0;
      for (const bytes of parts) {
        const out = core.step({ kind: 'bytes', bytes }, NOW);
        if (closed) t.deepEqual(out, []);
        closed ||= out.some((output) => output.kind === 'close' || output.kind === 'open');
        fed += bytes.length;
        if (closed) break;
      }
      if (!closed) t.true(fed <= SOCKS_MESSAGE_MAX);
    }),
  );
});

test('two logins give one key only when both parts are equal', (t) => {
  const key = (user: string, password: string): unknown => {
    const login = Buffer.concat([
      Buffer.of(1, user.length),
      Buffer.from(user),
      Buffer.of(password.length),
      Buffer.from(password),
    ]).toString('hex');
    const [output] = run(`050102${login}${CONNECT5}`).rest;
    return output?.kind === 'open' ? output.isolation : undefined;
  };
  t.not(key('a:b', 'c'), key('a', 'b:c'));
  t.not(key('ab', 'c'), key('a', 'bc'));
  t.is(key('a', 'b'), key('a', 'b'));
});
