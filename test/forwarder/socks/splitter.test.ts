import test from 'ava';
import fc from 'fast-check';
import {
  EARLY_MAX,
  HANDSHAKE_MS,
  Splitter,
  type SplitterInput,
  type SplitterOutput,
} from '../../../services/forwarder/socks/splitter.ts';

const NOW = 1_000_000;
const hexOf = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
const GREETING = '050100';
const LOGIN = `01017502${hexOf('pq')}`;
/** SOCKS 5 request by name */
const ask5 = (name: string, command = '01', port = '0050'): string =>
  `05${command}0003${name.length.toString(16).padStart(2, '0')}${hexOf(name)}${port}`;
const ask4 = (name: string, command = '01', user = ''): string =>
  `04${command}005000000001${hexOf(user)}00${hexOf(name)}00`;

interface Seen {
  readonly client: string;
  readonly parent: string;
  readonly rest: readonly SplitterOutput[];
}

class Rig {
  readonly core: Splitter;
  client = '';
  parent = '';
  rest: SplitterOutput[] = [];

  constructor(tor = true) {
    this.core = new Splitter({ tor });
    this.step({ kind: 'start' });
    this.rest = [];
  }

  step(input: SplitterInput, now = NOW): SplitterOutput[] {
    const out = this.core.step(input, now);
    for (const output of out) {
      if (output.kind === 'send') this.client += Buffer.from(output.bytes).toString('hex');
      else if (output.kind === 'send-parent') this.parent += Buffer.from(output.bytes).toString('hex');
      else this.rest.push(output);
    }
    return out;
  }

  /** From the client, in pieces of `size` bytes. */
  feed(hex: string, size = Number.POSITIVE_INFINITY): this {
    const bytes = Buffer.from(hex, 'hex');
    for (let at = 0; at < bytes.length; at += Math.min(size, bytes.length)) {
      this.step({ kind: 'bytes', bytes: bytes.subarray(at, at + Math.min(size, bytes.length)) });
    }
    return this;
  }

  fromParent(hex: string): this {
    this.step({ kind: 'parent-bytes', bytes: Buffer.from(hex, 'hex') });
    return this;
  }

  get seen(): Seen {
    return { client: this.client, parent: this.parent, rest: this.rest };
  }
}

const dial = (parent: 'i2p' | 'tor'): SplitterOutput => ({ kind: 'dial', parent });
const closed = (reason: Extract<SplitterOutput, { kind: 'close' }>['reason']): SplitterOutput => ({
  kind: 'close',
  reason,
});
const reply5 = (code: number): string => `05${code.toString(16).padStart(2, '0')}0001000000000000`;
const NO4 = '005b000000000000';

type Case = readonly [title: string, hex: string, client: string, rest: SplitterOutput[]];

const SPLIT: readonly Case[] = [
  ['a name in .i2p goes to the router', GREETING + ask5('foo.i2p'), '0500', [dial('i2p')]],
  ['so does one in capitals with a final dot', GREETING + ask5('FOO.I2P.'), '0500', [dial('i2p')]],
  ['another name goes to Tor', GREETING + ask5('example.org'), '0500', [dial('tor')]],
  ['an IPv4 address goes to Tor', `${GREETING}0501000101020304${'0050'}`, '0500', [dial('tor')]],
  ['an IPv6 address goes to Tor', `${GREETING}05010004${'20'.repeat(16)}0050`, '0500', [dial('tor')]],
  ['RESOLVE goes to Tor', GREETING + ask5('example.org', 'f0'), '0500', [dial('tor')]],
  ['RESOLVE_PTR goes to Tor', `${GREETING}05f10001010203040000`, '0500', [dial('tor')]],
  [
    'a login is asked for when it is offered',
    `05020002${LOGIN}${ask5('foo.i2p')}`,
    '05020100',
    [dial('i2p')],
  ],
  ['SOCKS 4a to .i2p goes to the router', ask4('foo.i2p'), '', [dial('i2p')]],
  ['SOCKS 4a elsewhere goes to Tor', ask4('example.org'), '', [dial('tor')]],
  ['SOCKS 4 with an address goes to Tor', '04010050010203040' + '0', '', [dial('tor')]],
  ['SOCKS 4a RESOLVE goes to Tor', ask4('example.org', 'f0'), '', [dial('tor')]],
];

const REFUSED: readonly Case[] = [
  ['RESOLVE of an I2P name', GREETING + ask5('foo.i2p', 'f0'), `0500${reply5(7)}`, [closed('refused')]],
  ['BIND', GREETING + ask5('example.org', '02'), `0500${reply5(7)}`, [closed('refused')]],
  ['UDP ASSOCIATE', GREETING + ask5('foo.i2p', '03'), `0500${reply5(7)}`, [closed('refused')]],
  ['SOCKS 4a RESOLVE of an I2P name', ask4('foo.i2p', 'f0'), NO4, [closed('refused')]],
  ['a name with a zero in it', GREETING + ask5('foo.i2p\0.org'), `0500${reply5(1)}`, [closed('refused')]],
  ['a name with an empty label', GREETING + ask5('foo.i2p..'), `0500${reply5(1)}`, [closed('refused')]],
  ['an empty name', GREETING + ask5(''), `0500${reply5(1)}`, [closed('refused')]],
  [
    'a name of 255 characters',
    GREETING + ask5(`${'a'.repeat(251)}.i2p`),
    `0500${reply5(1)}`,
    [closed('refused')],
  ],
  [
    'a SOCKS 4 zero address, behind which a name could hide',
    '04010050000000000' + '0',
    NO4,
    [closed('refused')],
  ],
  ['an unknown address type', `${GREETING}05010009`, `0500${reply5(8)}`, [closed('refused')]],
  ['other methods', '05020180', '05ff', [closed('no-method')]],
  ['HTTP', hexOf('GET / HTTP/1.1\r\n'), '', [closed('malformed')]],
  ['a SOCKS 4 user without end', `0401005000000001${'61'.repeat(300)}`, '', [closed('malformed')]],
  ['a SOCKS 4 name without end', `040100500000000100${'61'.repeat(300)}`, '', [closed('malformed')]],
];

for (const [title, hex, client, rest] of [
  ...SPLIT,
  ...REFUSED.map(([what, ...more]) => [`${what} is refused`, ...more] as const),
]) {
  test(`${title}, whole and in pieces`, (t) => {
    for (const size of [Number.POSITIVE_INFINITY, 1, 3]) {
      t.deepEqual(new Rig().feed(hex, size).seen, { client, parent: '', rest });
    }
  });
}

test('a door for I2P alone refuses everything else as not allowed', (t) => {
  for (const hex of [ask5('example.org'), ask5('x.onion', 'f0'), '05010001010203040050']) {
    t.deepEqual(new Rig(false).feed(GREETING + hex).seen.client, `0500${reply5(2)}`);
  }
  t.deepEqual(new Rig(false).feed(ask4('example.org')).seen.client, NO4);
  t.deepEqual(new Rig(false).feed(GREETING + ask5('foo.i2p')).seen.rest, [dial('i2p')]);
});

test('the request reaches the parent as it came, without a login when none was given', (t) => {
  const rig = new Rig().feed(GREETING + ask5('Foo.I2P'));
  rig.step({ kind: 'dialled' });
  t.is(rig.parent, '050100');
  rig.fromParent('0500');
  t.deepEqual(rig.seen, {
    client: '0500',
    parent: `050100${ask5('Foo.I2P')}`,
    rest: [dial('i2p'), { kind: 'relay', early: new Uint8Array(0) }],
  });
});

test('a login reaches the parent byte for byte, whatever bytes it has', (t) => {
  const login = `01ff${'00'.repeat(255)}ff${'fe'.repeat(255)}`;
  for (const sent of [LOGIN, '010000', login]) {
    const rig = new Rig().feed(`05020002${sent}${ask5('example.org')}`, 7);
    rig.step({ kind: 'dialled' });
    rig.fromParent('05').fromParent('02').fromParent('01').fromParent('00');
    t.is(rig.parent, `050102${sent}${ask5('example.org')}`);
    t.is(rig.rest.at(-1)?.kind, 'relay');
  }
});

test('SOCKS 4a reaches the parent as it came, user included', (t) => {
  const rig = new Rig().feed(ask4('foo.i2p', '01', 'me') + hexOf('hello'));
  rig.step({ kind: 'dialled' });
  t.is(rig.parent, ask4('foo.i2p', '01', 'me'));
  t.deepEqual(rig.rest.at(-1), { kind: 'relay', early: Uint8Array.from(Buffer.from('hello')) });
});

test('early data waits for the parent, and only so much of it', (t) => {
  const rig = new Rig().feed(`${GREETING}${ask5('foo.i2p')}6869`);
  rig.step({ kind: 'bytes', bytes: Buffer.alloc(EARLY_MAX) });
  rig.step({ kind: 'bytes', bytes: Buffer.of(1) });
  rig.step({ kind: 'dialled' });
  rig.fromParent('0500');
  t.deepEqual(
    rig.rest.map((output) => (output.kind === 'relay' ? output.early.length : output.kind)),
    ['dial', 'pause', EARLY_MAX + 3],
  );
});

test('a parent that is gone, refuses the login or says anything else is a general failure', (t) => {
  const start = (): Rig => new Rig().feed(`05020002${LOGIN}${ask5('example.org')}`);
  const answers: readonly ((rig: Rig) => unknown)[] = [
    (rig) => rig.step({ kind: 'parent-gone' }),
    (rig) => rig.fromParent('0502'),
    (rig) => [rig.step({ kind: 'dialled' }), rig.fromParent('05ff')],
    (rig) => [rig.step({ kind: 'dialled' }), rig.fromParent('0500')],
    (rig) => [rig.step({ kind: 'dialled' }), rig.fromParent('050201')],
    (rig) => [rig.step({ kind: 'dialled' }), rig.fromParent('0502'), rig.fromParent('0101')],
    (rig) => [rig.step({ kind: 'dialled' }), rig.step({ kind: 'tick' }, NOW + HANDSHAKE_MS)],
  ];
  for (const answer of answers) {
    const rig = start();
    answer(rig);
    t.is(rig.client, `05020100${reply5(1)}`);
    t.deepEqual(rig.rest.at(-1), closed('parent'));
    t.false(rig.parent.includes(hexOf('example.org')));
  }
});

test('a slow or leaving client is let go, and then nothing more happens', (t) => {
  const slow = new Rig().feed('0501');
  t.deepEqual(slow.step({ kind: 'tick' }, NOW + HANDSHAKE_MS - 1), []);
  t.deepEqual(slow.step({ kind: 'tick' }, NOW + HANDSHAKE_MS), [closed('slow')]);
  const left = new Rig().feed(GREETING + ask5('foo.i2p'));
  t.deepEqual(left.step({ kind: 'ended' }), [closed('ended')]);
  for (const rig of [slow, left]) {
    t.deepEqual(rig.step({ kind: 'dialled' }), []);
    t.deepEqual(rig.step({ kind: 'bytes', bytes: Buffer.from('x') }), []);
  }
});

test('a truncated request is never sent anywhere', (t) => {
  for (const hex of [GREETING + ask5('foo.i2p'), ask4('example.org'), `05020002${LOGIN}${ask5('foo.i2p')}`]) {
    for (let length = 0; length < hex.length; length += 2) {
      t.deepEqual(new Rig().feed(hex.slice(0, length)).rest, []);
    }
  }
});

/** The name in what a parent was sent, read as loosely as anybody might; empty for an address. */
function askedName(sent: Buffer): string {
  if (sent[0] === 4)
    return sent.readUInt32BE(4) < 256 ? (sent.toString('latin1', 8).split('\0')[1] ?? '') : '';
  const request = sent.subarray(3);
  return request[3] === 3 ? request.toString('latin1', 5, request.length - 2) : '';
}

test('no bytes whatever bring a name below .i2p to Tor', (t) => {
  const start = fc.constantFrom('', '05', '050100', `${GREETING}050100`, '0401', '040100500000', ask4(''));
  const piece = fc.oneof(
    fc.constantFrom('foo.i2p', '.i2p', 'i2p', '\0', '.', ask5('foo.i2p'), ask4('foo.i2p')),
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  fc.assert(
    fc.property(start, fc.array(piece, { maxLength: 8 }), (hex, pieces) => {
      const rig = new Rig().feed(hex);
      for (const text of pieces) rig.step({ kind: 'bytes', bytes: Buffer.from(text, 'latin1') });
      if (!rig.rest.some((output) => output.kind === 'dial' && output.parent === 'tor')) return;
      rig.step({ kind: 'dialled' });
      rig.fromParent('0500');
      t.notRegex(askedName(Buffer.from(rig.parent, 'hex')), /(?:^|\W)i2p\W*$/i);
    }),
    { numRuns: 2_000 },
  );
});
