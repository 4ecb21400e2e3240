import test from 'ava';
import { chooseRoute, routeText } from '../../../services/forwarder/route/choose.ts';
import { lintForwards } from '../../../services/forwarder/route/lint.ts';
import { parseAbsolute } from '../../../services/forwarder/rules/request-url.ts';
import { parseConfig } from '../../../services/forwarder/syntax/config-file.ts';
import { Notes } from '../../../services/forwarder/syntax/notes.ts';

function rulesOf(config: string) {
  const notes = new Notes();
  const { forwards } = parseConfig('config', config, notes);
  notes.check();
  return forwards;
}

function routeOf(config: string, target: string): string {
  const parsed = parseAbsolute(target);
  if (parsed.kind !== 'url') throw new Error(target);
  return routeText(chooseRoute(parsed.url, rulesOf(config)));
}

const WHONIX = 'forward-socks5t / user:secret@10.0.0.9:9050 .\nforward .i2p 127.0.0.1:4444\n';

/** In the order of the tutorials: Privoxy itself would send .i2p to Tor. */
const TUTORIAL = 'forward .i2p 127.0.0.1:4444\nforward-socks5t / 127.0.0.1:9050 .\n';

const ROUTES: readonly (readonly [config: string, target: string, route: string])[] = [
  [WHONIX, 'http://foo.i2p/', 'the I2P router'],
  [WHONIX, 'http://foo.i2p.example.org/', 'SOCKS 5t 10.0.0.9:9050'],
  [WHONIX, 'http://foo.i2p@example.org/', 'SOCKS 5t 10.0.0.9:9050'],
  [WHONIX.split('\n').reverse().join('\n'), 'http://foo.i2p/', 'SOCKS 5t 10.0.0.9:9050'],
  ['forward .i2p 10.0.0.7:4444\n', 'http://example.org/', 'refused: no forward rule fits'],
  ['', 'http://foo.i2p/', 'refused: no forward rule fits'],
  ['forward localhost .\n', 'http://localhost:8080/', 'this machine'],
  [
    'forward-socks5 / 10.0.0.9:9050 10.0.0.8:3128\n',
    'http://x.org/',
    'HTTP parent 10.0.0.8:3128 through SOCKS 5 10.0.0.9:9050',
  ],
  [`${TUTORIAL}`, 'http://foo.i2p/', 'the I2P router'],
  [`${TUTORIAL}`, 'http://example.org/', 'SOCKS 5t 127.0.0.1:9050'],
  ['forward-socks5t / localhost:9150 .\n', 'http://foo.i2p/', 'refused: no forward rule fits'],
  ['forward-socks5 .i2p 127.0.0.1:9050 .\n', 'http://foo.i2p/', 'refused: no forward rule fits'],
  ['forward-socks5 .i2p 127.0.0.1:4447 .\n', 'http://foo.i2p/', 'the I2P router'],
];
for (const [config, target, route] of ROUTES) {
  test(`${target} with "${config.split('\n')[0]}" …: ${route}`, (t) => {
    t.is(routeOf(config, target), route);
  });
}

function lint(config: string): string[] {
  const notes = new Notes();
  lintForwards('config', rulesOf(config), notes);
  return notes.warnings.map((note) => `${note.line}: ${note.why}`);
}

test('a later rule that takes .i2p away, and .i2p that nothing takes, are said at the start', (t) => {
  t.deepEqual(lint(WHONIX), []);
  t.deepEqual(lint('forward .i2p 10.0.0.7:1\nforward-socks5 / 10.0.0.9:9050 .\n'), [
    '2: takes .i2p to another parent: the header rules for I2P will not be applied',
    '1: line 2 comes later and takes .i2p away from this rule: the last one wins',
  ]);
  t.deepEqual(lint(TUTORIAL), [
    '2: does not take .i2p, though it would in Privoxy: no such name goes to Tor',
  ]);
  t.deepEqual(lint('forward .example.org 10.0.0.7:1\n'), [
    '1: no forward rule takes .i2p: every request for it will be refused',
  ]);
});
