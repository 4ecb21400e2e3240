import test from 'ava';
import fc from 'fast-check';
import { judgeCommand, QUESTIONS, type Question } from '../../services/tor-filter/filter/commands.ts';
import {
  BURST,
  ControlFilter,
  type FilterOutput,
  LINE_MAX,
  PER_SECOND,
} from '../../services/tor-filter/filter/control-filter.ts';

const NOW = 1_000_000;
const FILTERED = '510 Command filtered\r\n';
const OK = '250 OK\r\n';
const MUTE = '551 Tor does not answer\r\n';

interface Talk {
  /** all that the client was sent */
  text: string;
  readonly asked: Question[];
  closed: string | undefined;
}

/** Feeds `text` in pieces and answers every question by `tor`. */
function talk(
  text: string,
  tor: (question: Question) => string | undefined = () => undefined,
  size = 1 << 20,
): Talk {
  const filter = new ControlFilter();
  const seen: Talk = { text: '', asked: [], closed: undefined };
  const take = (outputs: readonly FilterOutput[]): void => {
    for (const output of outputs) {
      if (output.kind === 'send') seen.text += output.text;
      else if (output.kind === 'close') seen.closed = output.reason;
      else if (output.kind === 'ask') {
        seen.asked.push(output.question);
        take(filter.step({ kind: 'answer', text: tor(output.question) }, NOW));
      }
    }
  };
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) {
    take(filter.step({ kind: 'bytes', bytes: bytes.subarray(at, at + size) }, NOW));
  }
  return seen;
}

const real = (question: Question): string =>
  question === 'new-circuits' ? OK : `250-${QUESTIONS[question].slice('GETINFO '.length)}=0.4.9.11\r\n${OK}`;

const ANSWERED: readonly (readonly [line: string, answer: string])[] = [
  ['PROTOCOLINFO', `250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.9.11"\r\n${OK}`],
  ['protocolinfo 1', `250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.9.11"\r\n${OK}`],
  ['AUTHENTICATE', OK],
  ['AUTHENTICATE "password"', OK],
  ['TAKEOWNERSHIP', OK],
  ['RESETCONF __OwningControllerProcess', OK],
  ['SIGNAL NEWNYM', OK],
  ['signal newnym', OK],
  ['GETINFO version', `250-version=0.4.9.11\r\n${OK}`],
  ['GETINFO status/circuit-established', `250-status/circuit-established=0.4.9.11\r\n${OK}`],
  ['GETINFO consensus/valid-after', `250-consensus/valid-after=0.4.9.11\r\n${OK}`],
  ['GETINFO net/listeners/socks', `250-net/listeners/socks="127.0.0.1:9150"\r\n${OK}`],
  ['GETCONF __owningcontrollerprocess', '250 __OwningControllerProcess\r\n'],
  ['SETEVENTS', OK],
  ['SETEVENTS STREAM SIGNAL CONF_CHANGED STATUS_SERVER circ', OK],
];

for (const [line, answer] of ANSWERED) {
  test(`${line} is answered, whole and byte by byte`, (t) => {
    t.is(talk(`${line}\r\n`, real).text, answer);
    t.is(talk(`${line}\n`, real, 1).text, answer);
  });
}

const REFUSED = [
  'GETINFO address',
  'GETINFO circuit-status',
  'GETINFO version address',
  'GETINFO  version\taddress',
  'GETINFO VERSION',
  'GETINFO',
  'GETCONF SocksPort',
  'GETCONF __owningcontrollerprocess HTTPSProxy',
  'SETCONF DisableNetwork=1',
  'SIGNAL SHUTDOWN',
  'SIGNAL NEWNYM SHUTDOWN',
  'SETEVENTS STREAM DEBUG',
  'SETEVENTS EXTENDED CIRC',
  'AUTHCHALLENGE SAFECOOKIE 00',
  'ADD_ONION NEW:BEST Port=80',
  'LOADCONF x',
  'MAPADDRESS a=b',
  'HSFETCH x',
  'DROPGUARDS',
  'GETINFO version\0address',
  'GETINFO vërsion',
  ' GETINFO version',
  '\xff\xfe',
];

for (const line of REFUSED) {
  test(`${JSON.stringify(line)} is filtered and reaches nobody`, (t) => {
    t.deepEqual(talk(`${line}\r\n`, real), { text: FILTERED, asked: [], closed: undefined });
  });
}

test('commands in one packet are answered in order, and QUIT ends', (t) => {
  const got = talk('AUTHENTICATE\r\nGETINFO version\r\nGETINFO address\r\nQUIT\r\nSIGNAL NEWNYM\r\n', real);
  t.is(got.text, `${OK}250-version=0.4.9.11\r\n${OK}${FILTERED}250 closing connection\r\n`);
  t.is(got.closed, 'quit');
  t.deepEqual(got.asked, ['version']);
});

test('nothing is asked for the next command before the answer is there', (t) => {
  const filter = new ControlFilter();
  const first = filter.step(
    { kind: 'bytes', bytes: Buffer.from('GETINFO version\r\nSIGNAL NEWNYM\r\n') },
    NOW,
  );
  t.deepEqual(
    first.filter(({ kind }) => kind === 'ask'),
    [{ kind: 'ask', question: 'version' }],
  );
  const second = filter.step({ kind: 'answer', text: real('version') }, NOW);
  t.deepEqual(
    second.filter(({ kind }) => kind === 'ask'),
    [{ kind: 'ask', question: 'new-circuits' }],
  );
});

test('an answer of Tor that is not as expected is not passed on', (t) => {
  const surprises = [
    '250-version=1\r\n250-address=1.2.3.4\r\n250 OK\r\n',
    '250+version=\r\n1.2.3.4\r\n.\r\n250 OK\r\n',
    `250-version=${'1'.repeat(65)}\r\n250 OK\r\n`,
    '552 Unrecognized key "1.2.3.4"\r\n',
    '',
  ];
  for (const surprise of surprises) t.is(talk('GETINFO version\r\n', () => surprise).text, MUTE);
  t.is(talk('SIGNAL NEWNYM\r\n', () => '552 no\r\n').text, MUTE);
  t.is(talk('PROTOCOLINFO\r\n').text, MUTE);
});

test('a line that is too long ends the connection, with and without its end', (t) => {
  t.is(talk(`GETINFO ${'a'.repeat(LINE_MAX - 9)}\r\n`).text, FILTERED);
  for (const end of ['', '\n']) {
    const got = talk(`GETINFO ${'a'.repeat(LINE_MAX)}${end}`);
    t.deepEqual(got, { text: '', asked: [], closed: 'long-line' });
  }
});

test('a command with data behind it ends the connection, so that the data is never taken for commands', (t) => {
  const got = talk('+LOADCONF\r\nSIGNAL NEWNYM\r\n.\r\n', real);
  t.deepEqual(got, { text: FILTERED, asked: [], closed: 'multi-line' });
});

test('who sends commands faster than they are worth is let go; who waits may go on', (t) => {
  t.is(talk('AUTHENTICATE\r\n'.repeat(BURST)).closed, undefined);
  t.is(talk('AUTHENTICATE\r\n'.repeat(BURST + 1)).closed, 'too-fast');
  const filter = new ControlFilter();
  for (let second = 0; second < 100; second++) {
    const bytes = Buffer.from('AUTHENTICATE\r\n'.repeat(PER_SECOND));
    const out = filter.step({ kind: 'bytes', bytes }, NOW + second * 1_000);
    t.false(out.some(({ kind }) => kind === 'close'));
  }
});

test('whatever a client sends, Tor is asked the six questions only and the client reads lines of ours only', (t) => {
  const piece = fc.oneof(
    fc.constantFrom(...ANSWERED.map(([line]) => line), ...REFUSED, '\r\n', '\n', '\r', ' ', '+'),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const got = talk(pieces.join(''), real, 7);
      for (const question of got.asked) t.true(question in QUESTIONS);
      t.regex(got.text, /^(?:(?:250|510|551)[ -][\x20-\x7e]*\r\n)*$/);
    }),
  );
});

test('a line end inside a long word is filtered at once', (t) => {
  const line = `${'A'.repeat(64_000)}\rB`;
  const before = process.threadCpuUsage().user;
  t.is(judgeCommand(line).kind, 'filtered');
  // Looked for in every place that the word could end at, it took twenty seconds.
  t.true(process.threadCpuUsage().user - before < 500_000);
  t.is(judgeCommand('SIGNAL\rNEWNYM').kind, 'filtered');
  t.is(judgeCommand('SIGNAL \tNEWNYM').kind, 'ask');
});
