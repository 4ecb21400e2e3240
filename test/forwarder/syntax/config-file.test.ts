import test from 'ava';
import fc from 'fast-check';
import { parseConfig } from '../../../services/forwarder/syntax/config-file.ts';
import { DIRECTIVES } from '../../../services/forwarder/syntax/directives.ts';
import { Notes } from '../../../services/forwarder/syntax/notes.ts';

function read(text: string) {
  const notes = new Notes();
  return { settings: parseConfig('config', text, notes), notes };
}

/** Every line here ends the start; what Privoxy 3.0.34 makes of the first group is a direct connection. */
const REFUSED: readonly (readonly [line: string, why: RegExp])[] = [
  ['forward .i2p', /exactly 2 words, not 1; write "forward \.i2p 127\.0\.0\.1:4444"$/],
  ['forward', /exactly 2 words, not 0/],
  ['forward a b c', /exactly 2 words, not 3/],
  [
    'forward-socks5t / 127.0.0.1:9050',
    /exactly 3 words, not 2; write "forward-socks5t \/ 127\.0\.0\.1:9050 \."$/,
  ],
  ['forward-socks5 / . .', /SOCKS parent is needed/],
  ['forward .i2p 127.0.0.1:99999', /"99999" is no port/],
  ['forward .i2p 127.0.0.1:0', /"0" is no port/],
  ['forward .i2p 127.0.0.1:abc', /"abc" is no port/],
  ['forward .i2p http://127.0.0.1:4444', /is no host|is no port/],
  ['forward .i2p unix:relative', /absolute path/],
  ['forward .i2p router:4444', /"router" is a name/],
  ['forward-socks5 / user:secret@tor:9050 .', /"tor" is a name/],
  ['forward-socks5 / 127.0.0.1:9050 squid', /"squid" is a name/],
  ['allium-socks 127.0.0.1:9150', /needs an address with a port/],
  ['allium-socks 127.0.0.1:9150 unix:/i2p .', /needs an address with a port/],
  ['allium-socks 127.0.0.1 .', /needs an address with a port/],
  ['allium-socks 127.0.0.1:0 .', /needs an address with a port/],
  ['allium-socks 127.0.0.1:9150 unix:tor', /absolute path/],
  ['allium-socks 127.0.0.1:9150 tor:9050', /"tor" is a name/],
  ['allium-socks 127.0.0.1:9150 127.0.0.1', /needs a port/],
  ['allium-router unix:/a', /needs unix:/],
  ['allium-router unix:/a 127.0.0.1:1', /needs unix:/],
  [
    'allium-service site 127.0.0.1:80 http',
    /targets are Unix sockets until the firewall can open single addresses/,
  ],
  ['allium-service site unix:/s', /needs http or tcp/],
  ['allium-service site unix:/s tcp example.org', /for http only/],
  ['allium-service site unix:/s http a/b', /is no host/],
  ['allium-service a/b unix:/s http', /needs the name/],
  ['forward-socks5 / 127.0.0.1:9050 unix:/x', /an HTTP parent has an address/],
  ['forward .i2p unix:/x', /an HTTP parent has an address/],
  ['forward http://foo.i2p/ 127.0.0.1:4444', /no scheme/],
  ['forward .i2p:* 127.0.0.1:4444', /can match nothing/],
  ['forward TAG:x 127.0.0.1:4444', /tag can't choose/],
  ['forward .i2p/(unclosed 127.0.0.1:4444', /a group without an end/],
  ['forward .i2p/(a+)+(?=b)c 127.0.0.1:4444', /exponential/],
  ['forward / .', /go out directly/],
  ['forward .example.org .', /go out directly/],
  ['forward .localhost .', /go out directly/],
  ['forward 127.* .', /go out directly/],
  [
    'forward-socks4 / 127.0.0.1:9050 .',
    /SOCKS 4 resolves names locally, .*; write "forward-socks4a \/ 127\.0\.0\.1:9050 \."$/,
  ],
  ['forward-socks4a / user:pass@127.0.0.1:9050 .', /4a has no user/],
  ['forward-socks5 / user@127.0.0.1:9050 .', /user:password/],
  ['forward-sock5 / 127.0.0.1:9050 .', /unknown directive/],
  ['allium-helth /run/x.sock', /unknown directive/],
  ['listen-address 127.0.0.1', /address and a port; write "listen-address 127\.0\.0\.1:8118"$/],
  ['listen-address 127.0.0.1:0', /address and a port/],
  ['listen-address 127.0.0.1:99999', /address and a port/],
  ['permit-access', /needs a source/],
  ['permit-access workstation.lan', /names could resolve/],
  ['permit-access 10.0.0.0/33', /wrong mask/],
  ['permit-access 10.0.0.0/255.0.255.0', /wrong mask/],
  ['deny-access 10.0.0.1:99999', /wrong port/],
  ['deny-access 10.0.0.1 nonsense', /names could resolve/],
  ['toggle 2', /0 or 1/],
  ['toggle', /0 or 1/],
  ['keep-alive-timeout soon', /needs a number/],
  ['socket-timeout -1', /needs a number/],
  ['socket-timeout 0', /needs a number/],
  ['max-client-connections 0', /needs a number/],
  ['buffer-limit x', /needs a number/],
  ['debug 999999', /needs a number/],
  ['connection-sharing 1', /must be 0/],
  ['enable-remote-toggle 1', /must be 0/],
  ['enable-remote-http-toggle 1', /must be 0/],
  ['enable-edit-actions 1', /must be 0/],
  ['accept-intercepted-requests 1', /must be 0/],
  ['trust-x-forwarded-for 1', /must be 0/],
  ['trustfile', /needs a file/],
  ['forward example.org', /not 1; delete the line/],
  ['forward-socks5t / 127.0.0.1:9050 .i2p .', /exactly 3 words, not 4$/],
  ['cors-allowed-origin http://x', /not allowed/],
  ['enforce-blocks 2', /0 or 1/],
  ['actionsfile', /needs a file/],
  ['toggle 1 # text \\', /must not end with a backslash/],
];

for (const [line, why] of REFUSED) {
  test(`"${line}" ends the start with its line number`, (t) => {
    const { notes } = read(`# first\n${line}\n`);
    t.is(notes.errors[0]?.line, 2);
    t.regex(notes.errors[0]?.why ?? '', why);
    t.throws(() => notes.check(), { message: /^config:2: / });
  });
}

const WARNED: readonly (readonly [line: string, why: RegExp])[] = [
  ['forward .i2p 10.0.0.1', /port 8000/],
  ['forward-socks5 / 10.0.0.1 .', /port 1080/],
  ['nonsense 1', /unknown directive nonsense is ignored/],
  ['trusted-cgi-referrer x', /unknown directive/],
  ['trusted-cgi-referer x', /is ignored/],
  ['enforce-blocks 0', /always enforced/],
  ['debug 1', /names of visited sites/],
  ['enable-compression 1', /no effect/],
  ['ca-directory x', /TLS is never opened/],
  ['client-specific-tag a b', /no tags/],
  ['logfile x', /standard error/],
  ['toggle 1\ntoggle 0', /more than once/],
];

for (const [line, why] of WARNED) {
  test(`"${line}" is taken with a warning`, (t) => {
    const { notes } = read(`${line}\n`);
    t.deepEqual(notes.errors, []);
    t.regex(notes.warnings[0]?.why ?? '', why);
  });
}

test('a warning is given once', (t) => {
  t.is(read('logfile a\nlogfile b\n').notes.warnings.length, 1);
});

const QUIET = [
  'activity-animation 1',
  'logdir /x',
  'temporary-directory /x',
  'allow-cgi-request-crunching 0',
  'debug 4096',
  'debug 1024',
];
for (const line of QUIET) {
  test(`"${line}" is taken without a word`, (t) => {
    const { notes } = read(`${line}\n`);
    t.deepEqual([notes.errors, notes.warnings], [[], []]);
  });
}

test('all 70 directives of Privoxy 4.2.0 (10 of them for Windows) and five of our own are known', (t) => {
  const own = [...DIRECTIVES.keys()].filter((name) => name.startsWith('allium-'));
  t.deepEqual(own, ['allium-router', 'allium-service', 'allium-socks', 'allium-pages', 'allium-health']);
  t.is(DIRECTIVES.size - own.length, 70);
});

test('words, blanks, tabs, case, comments, continuation and line ends', (t) => {
  const text =
    '  FORWARD\t.i2p \t 127.0.0.1:4445 # the I2P side\r\nforward \\\n .b.i2p \\\n 127.0.0.1:5555\rhostname a\\#b\n# comment \\\ntoggle 0\n';
  const { settings, notes } = read(text);
  t.deepEqual(notes.errors, []);
  t.deepEqual(
    settings.forwards.map((rule) => [rule.line, rule.pattern.source, rule.way.http]),
    [
      [1, '.i2p', { host: '127.0.0.1', port: 4445 }],
      [2, '.b.i2p', { host: '127.0.0.1', port: 5555 }],
    ],
  );
  t.is(settings.hostname, 'a#b');
  t.false(settings.actionsOn);
});

test('a line over 5000 characters ends the start', (t) => {
  t.regex(read(`hostname ${'x'.repeat(5_000)}\n`).notes.errors[0]?.why ?? '', /longer than 5000/);
});

test('without a file Privoxy listens on 127.0.0.1:8118, and ours too', (t) => {
  const { settings } = read('');
  t.deepEqual(settings.listen, [{ host: '127.0.0.1', port: 8118 }]);
  t.is(settings.socketTimeoutMs, 300_000);
  t.is(settings.maxClients, 128);
  t.is(settings.keepAliveMs, 0);
});

test('default-server-timeout is clamped to keep-alive-timeout', (t) => {
  const { settings } = read('keep-alive-timeout 5\ndefault-server-timeout 60\n');
  t.is(settings.serverKeepAliveMs, 5_000);
  t.is(read('keep-alive-timeout 5\ndefault-server-timeout 2\n').settings.serverKeepAliveMs, 2_000);
});

test('parents in every form', (t) => {
  const lines = [
    'forward .b [::1]:4445',
    'forward .i2p [::1]:4444',
    'forward .i2p localhost:4444',
    'forward-socks5 .i2p localhost:4447 .',
    'forward-socks5t / [::1]:9050 .',
    'forward-socks5 .c me:se@cret@[fd00::1]:9050 .',
    'forward-socks5t .d unix:/run/tor/socks 10.0.0.1:3128',
  ];
  const { settings, notes } = read(`${lines.join('\n').replace('se@cret', 'secret')}\n`);
  t.deepEqual(notes.errors, []);
  t.deepEqual(
    settings.forwards.map((rule) => rule.way),
    [
      { http: { host: '::1', port: 4445 } },
      { i2p: true },
      { i2p: true },
      { i2p: true },
      { socks: { version: '5t', endpoint: { host: '127.0.0.1', port: 9_050 } } },
      { socks: { version: '5', endpoint: { host: 'fd00::1', port: 9050 }, user: 'me', password: 'secret' } },
      {
        socks: { version: '5t', endpoint: { path: '/run/tor/socks' } },
        http: { host: '10.0.0.1', port: 3128 },
      },
    ],
  );
});

test('SOCKS doors, with a parent for the rest and without', (t) => {
  const { settings, notes } = read(
    'allium-socks 10.0.0.1:9150 127.0.0.1:9150\nallium-socks 10.0.0.1:4447 .\n',
  );
  t.deepEqual(notes.errors, []);
  t.deepEqual(settings.socksDoors, [
    {
      listen: { host: '10.0.0.1', port: 9_150 },
      tor: { host: '127.0.0.1', port: 9_150 },
    },
    { listen: { host: '10.0.0.1', port: 4_447 } },
  ]);
  const again = read('allium-socks 10.0.0.1:9150 127.0.0.1:9150\nallium-socks 10.0.0.1:9150 .\n');
  t.deepEqual(again.settings.socksDoors, [{ listen: { host: '10.0.0.1', port: 9_150 } }]);
  t.regex(again.notes.warnings[0]?.why ?? '', /more than once/);
  const many = read(Array.from({ length: 11 }, (_, at) => `allium-socks 10.0.0.1:${9150 + at} .\n`).join(''));
  t.regex(many.notes.errors[0]?.why ?? '', /more than 10/);
});

test('no text makes the reader throw', (t) => {
  const names = fc.constantFrom(...DIRECTIVES.keys());
  const line = fc
    .tuple(names, fc.array(fc.string({ maxLength: 12 }), { maxLength: 4 }))
    .map(([name, words]) => [name, ...words].join(' '));
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.string())), (lines) => {
      read(lines.join('\n'));
    }),
    { numRuns: 500 },
  );
  t.pass();
});
