import test from 'ava';
import { parseConfig } from '../../../services/forwarder/syntax/config-file.ts';
import { corrected } from '../../../services/forwarder/syntax/corrected.ts';
import { Notes } from '../../../services/forwarder/syntax/notes.ts';

function correct(text: string): { readonly text: string; readonly left: readonly string[] } {
  const notes = new Notes();
  parseConfig('config', text, notes);
  const better = corrected(text, notes.errors);
  const again = new Notes();
  parseConfig('config', better, again);
  return { text: better, left: again.errors.map(({ why }) => why) };
}

const CORRECTED: readonly (readonly [line: string, instead: string])[] = [
  ['forward .i2p', 'forward .i2p 127.0.0.1:4444\n'],
  ['forward example.org', ''],
  ['forward-socks5t /', ''],
  ['forward-socks4 / 127.0.0.1:9050 .', 'forward-socks4a / 127.0.0.1:9050 .\n'],
  ['forward-socks5t .onion localhost:9050', 'forward-socks5t .onion localhost:9050 .\n'],
  ['forward 192.168.*.*/ .', ''],
  ['accept-intercepted-requests 1', 'accept-intercepted-requests 0\n'],
  ['enable-remote-toggle yes', 'enable-remote-toggle 0\n'],
  ['cors-allowed-origin http://x', ''],
  ['listen-address 127.0.0.1', 'listen-address 127.0.0.1:8118\n'],
];
for (const [line, instead] of CORRECTED) {
  test(`"${line}" ${instead === '' ? 'can go' : `becomes "${instead.trim()}"`}, and what is around it stays`, (t) => {
    const { text, left } = correct(`# mine\r\n${line} # why\ntoggle 1\n`);
    t.deepEqual(left, []);
    t.is(text, `# mine\n#refused# ${line} # why\n${instead}toggle 1\n`);
  });
}

test('a line that goes on in the next ones is taken out whole', (t) => {
  const { text, left } = correct('forward \\\n 10.*.*.*/ \\\n .\ntoggle 1');
  t.deepEqual(left, []);
  t.is(text, '#refused# forward \\\n#refused#  10.*.*.*/ \\\n#refused#  .\ntoggle 1');
});

test('what only its author can mend stays as it is', (t) => {
  const text = 'forward .i2p router:4444\nforward-sock5 / 127.0.0.1:9050 .\n';
  t.is(correct(text).text, text);
  t.is(correct(text).left.length, 2);
});
