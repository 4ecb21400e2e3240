/** Readers of what is on this machine: files of the operator, and what its own programs and kernel say. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FrameReader } from '@allium/common/bytes/frames.ts';
import { fromBase32, fromBase64, toBase32, toBase64 } from '@allium/common/bytes/text.ts';
import { ConfigError, parseConfig as parseYaml } from '@allium/common/config/parse.ts';
import { hostKind } from '@allium/common/net/address-rules.ts';
import { parseIp } from '@allium/common/net/ip-address.ts';
import { parseListenAddress } from '@allium/common/net/listen-address.ts';
import { z } from 'zod';
import { ExpressionFault } from '../../../services/forwarder/expressions/cursor.ts';
import { compileReplacer, compileTest } from '../../../services/forwarder/expressions/expression.ts';
import { parseExpression } from '../../../services/forwarder/expressions/parse.ts';
import { parseActionFile } from '../../../services/forwarder/syntax/action-file.ts';
import { parseConfig } from '../../../services/forwarder/syntax/config-file.ts';
import { parseEndpoint } from '../../../services/forwarder/syntax/endpoint.ts';
import { parseFilterFile } from '../../../services/forwarder/syntax/filter-file.ts';
import { matchesGlob, parseGlob } from '../../../services/forwarder/syntax/host-glob.ts';
import { readLines } from '../../../services/forwarder/syntax/lines.ts';
import { Notes } from '../../../services/forwarder/syntax/notes.ts';
import { parsePortList } from '../../../services/forwarder/syntax/port-list.ts';
import { parseSubstitution } from '../../../services/forwarder/syntax/substitution.ts';
import { parseTrustFile } from '../../../services/forwarder/syntax/trust-file.ts';
import { parsePattern, parseUrlPattern } from '../../../services/forwarder/syntax/url-pattern.ts';
import { NftError } from '../../../services/nftables-ts/errors.ts';
import { devicesInText, parseListing } from '../../../services/nftables-ts/listing.ts';
import { parseEvent } from '../../../services/nftables-ts/monitor.ts';
import { parseSubnet } from '../../../services/policy/model/addresses.ts';
import { parsePolicy } from '../../../services/policy/model/policy.ts';
import { parseDevices, parseRoutes } from '../../../services/policy/model/proc.ts';
import { parseSettings } from '../../../services/policy/model/settings.ts';
import { judge, parseSniffed } from '../../../services/supervisor/leaktest/judge.ts';
import { parseRelayList } from '../../../services/uplink/connect/relay-list.ts';
import { Script } from '../engine/script.ts';
import { promise, type Target, type Targets } from '../engine/target.ts';

const POLICY = readFileSync(join(import.meta.dirname, '../../../policies/leak-proof.yaml'), 'utf8');
const SETTINGS = `policies: /p
control: /c.sock
lan: {address: 10.1.0.1, subnet: 10.1.0.0/16}
up: {address: 10.2.0.1, subnet: 10.2.0.0/16}
uplink: {address: 10.2.0.2, port: 9}
tor: {uid: 5}
`;
const ACTIONS = `{{alias}}
+a = +block{x} -hide-referrer
{{settings}}
for-privoxy-version=3.0
{+block{no \\
more} a +limit-connect{1-2,80}}
/
.example.*.org/a(b|c)[^d]\\.e{2}$
TAG:^x
`;
const CONFIG = `listen-address 127.0.0.1:8118
permit-access 10.0.0.0/8 192.168.0.0/24
forward-socks5t / 127.0.0.1:9050 .
forward .i2p 127.0.0.1:4444
forward-socks4a .onion user:pass@[::1]:1 10.0.0.1:3128
allium-router /run/streams.sock /run/names.sock
allium-socks 9150 tor
allium-service web /run/x 127.0.0.1:80
keep-alive-timeout 300
client-header-order host referer
debug 1
`;
const FILTERS = `CLIENT-HEADER-FILTER: a what it does
s@^(a|b)+?\\d{1,3}[[:alpha:]](?i:x)(?=y)(?<!z)\\1@$1$url@igD
SERVER-HEADER-FILTER: b
s/x/y/T
`;

/** A reader of text. */
function text(run: (text: string) => unknown, seeds: readonly string[], rest: Partial<Target> = {}): Target {
  return {
    run: (input) => run(input.toString('latin1')),
    seeds: () => seeds.map((seed) => Buffer.from(seed, 'latin1')),
    words: [
      '\n',
      ' ',
      '\\',
      '#',
      '{',
      '}',
      '+',
      '-',
      '/',
      '.',
      ':',
      '*',
      '[',
      ']',
      '(',
      ')',
      '|',
      '?',
      '$',
      '@',
      '\t',
    ],
    ...rest,
  };
}

/** A reader of files notes what it refuses. */
const noted = (run: (text: string, notes: Notes) => unknown) => (input: string) => {
  const notes = new Notes();
  const read = run(input, notes);
  promise(notes.errors.length <= 200 && notes.warnings.length <= 200, 'so many notes');
  return read === undefined ? undefined : [read];
};

const config = { refuses: (error: unknown) => error instanceof ConfigError, outcome: () => 1 << 20 };
const WITHIN_CONFIG = 'by parseConfig, which gives it words of its lines';
const WITHIN_EXPRESSION = 'by parseExpression, whose cursor it reads on';

function frames(input: Buffer): unknown {
  const script = new Script(input);
  const reader = new FrameReader();
  let bytes = 0;
  for (let steps = 0; !script.ended && steps < 64; steps++) {
    const chunk = script.piece();
    const parts = reader.push(chunk);
    const sum = parts.reduce((all, part) => all + part.length, 0);
    promise(sum <= chunk.length, 'no more than was pushed');
    bytes += sum;
  }
  return bytes;
}

export const TARGETS: Targets = {
  'common/bytes/codec decode': 'by every codec',
  'common/bytes/frames FrameReader.push': {
    run: frames,
    seeds: () => [Buffer.from([0, 9, 0, 0, 0, 2, 1, 2, 0, 0, 0, 0, 4, 0, 0, 0, 0])],
  },
  'common/bytes/text fromBase32': text(
    (it) =>
      promise(
        toBase32(fromBase32(it)).replaceAll('=', '') === it.toLowerCase().replaceAll('=', ''),
        'a text and its bytes',
      ),
    ['mfrgg'],
    {
      refuses: (error) =>
        error instanceof RangeError ||
        (error instanceof Error && error.message.startsWith('broken promise') === false),
    },
  ),
  'common/bytes/text fromBase64': text((it) => fromBase64(it), [toBase64(Buffer.from('abc'))]),
  'common/config/parse parseConfig': text(
    (it) => parseYaml('f', it, z.strictObject({ a: z.int().optional(), b: z.array(z.string()).optional() })),
    ['a: 1\nb: [x, y]\n', 'a: &x 1\nb: *x', '%YAML 1.2\n---\na: |\n b\n'],
    config,
  ),
  'common/net/address-rules hostKind': text(hostKind, ['8.8.8.8', '2a00::1', '::', 'a.i2p']),
  'common/net/client-counts ClientCounts.enter': 'an address that the kernel gives',
  'common/net/ip-address parseIp': text(
    (it) => {
      const ip = parseIp(it);
      promise(ip === undefined || ip.length === 4 || ip.length === 16, '4 or 16 bytes');
      return ip;
    },
    ['1.2.3.4', '1:2:3:4:5:6:7:8', '::1', 'a::b'],
  ),
  'common/net/listen-address parseListenAddress': text(parseListenAddress, ['/a', 'a:1', '[::1]:80']),
  'forwarder/expressions/cursor Cursor.take': WITHIN_EXPRESSION,
  'forwarder/expressions/escapes readEscape': WITHIN_EXPRESSION,
  'forwarder/expressions/escapes readPosix': WITHIN_EXPRESSION,
  'forwarder/expressions/expression compileReplacer': text(
    (it) => void compileReplacer(it, it.length % 2 === 0),
    ['(a|b)+?\\d{1,3}[[:alpha:]](?=y)(?<!z)\\1', '^x$'],
  ),
  'forwarder/expressions/expression compileTest': text(
    (it) => void compileTest(it, it.length % 2 === 0),
    ['(a|b)+?\\d{1,3}[[:alpha:]](?=y)(?<!z)\\1', '^x$'],
  ),
  'forwarder/expressions/parse parseExpression': text(
    (it) => parseExpression(it, it.length % 2 === 0),
    ['(a|b)+?\\d{1,3}[^[:alpha:]x-z](?i:y)(?=y)(?<!z)\\1\\x{41}\\Q.\\E'],
    {
      refuses: (error) => error instanceof ExpressionFault,
      outcome: (length) => 65_536 + 4_096 * length,
    },
  ),
  'forwarder/syntax/access-line parseAccess': WITHIN_CONFIG,
  'forwarder/syntax/action-file parseActionFile': text(
    noted((it, notes) => parseActionFile('f', it, notes)),
    [ACTIONS],
    { outcome: (length) => 65_536 + 4_096 * length },
  ),
  'forwarder/syntax/config-file parseConfig': text(
    noted((it, notes) => parseConfig('f', it, notes)),
    [CONFIG],
    { words: CONFIG.split(/[ \n]/), outcome: (length) => 65_536 + 4_096 * length },
  ),
  'forwarder/syntax/endpoint parseEndpoint': text(
    (it) => parseEndpoint(it, 80),
    ['a:1', '[::1]:2', '1.2.3.4'],
  ),
  'forwarder/syntax/filter-file parseFilterFile': text(
    noted((it, notes) => void parseFilterFile('f', it, notes)),
    [FILTERS],
  ),
  'forwarder/syntax/forward-line parseForward': WITHIN_CONFIG,
  'forwarder/syntax/forward-line parseWay': WITHIN_CONFIG,
  'forwarder/syntax/host-glob parseGlob': text((it) => matchesGlob(parseGlob(it), it), ['a*b?[c-d]']),
  'forwarder/syntax/lines readLines': text(
    noted((it, notes) => readLines('f', it, notes)),
    [ACTIONS, 'a \\\n# b \\\n c\\# d'],
  ),
  'forwarder/syntax/port-list parsePortList': text(parsePortList, ['1-2,80,9-']),
  'forwarder/syntax/router-lines parseRouter': WITHIN_CONFIG,
  'forwarder/syntax/router-lines parseService': WITHIN_CONFIG,
  'forwarder/syntax/socks-line parseSocksDoor': WITHIN_CONFIG,
  'forwarder/syntax/substitution parseSubstitution': text(
    (it) => void parseSubstitution(it),
    FILTERS.split('\n'),
  ),
  'forwarder/syntax/trust-file parseTrustFile': text(
    noted((it, notes) => void parseTrustFile('f', it, notes)),
    ['~.a.i2p\n+b\nc/d'],
  ),
  'forwarder/syntax/url-pattern parsePattern': text((it) => void parsePattern(it), ACTIONS.split('\n')),
  'forwarder/syntax/url-pattern parseUrlPattern': text((it) => void parseUrlPattern(it), ACTIONS.split('\n')),
  'nftables-ts/listing parseListing': text(
    (it) => [parseListing(it), devicesInText(it)],
    [
      '{"nftables":[{"metainfo":{}},{"chain":{"name":"a"}}]}',
      '\tchain a {\n\t\ttype filter hook ingress device "x" priority 0\n',
    ],
    {
      refuses: (error) => error instanceof NftError,
    },
  ),
  'nftables-ts/monitor parseEvent': text(parseEvent, [
    '{"add":{"rule":{"family":"ip","table":"a"}}}',
    '{"metainfo":{}}',
  ]),
  'policy/model/addresses parseSubnet': text(parseSubnet, ['10.0.0.0/8']),
  'policy/model/policy parsePolicy': text((it) => parsePolicy('f', it), [POLICY], config),
  'policy/model/proc parseDevices': text(parseDevices, ['Inter-|\n face |\n  lo: 1\neth0: 2 3\n']),
  'policy/model/proc parseRoutes': text(parseRoutes, [
    'Iface\neth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n',
  ]),
  'policy/model/settings parseSettings': text((it) => parseSettings('f', it), [SETTINGS], config),
  'supervisor/leaktest/judge parseSniffed': text(
    (it) => {
      const sniffed = parseSniffed(it);
      return judge(sniffed, { own: '10.0.0.1', gate: '10.0.0.2', relays: new Set(['1.2.3.4:9001']) });
    },
    [
      `interface 1 eth0 10.0.0.1\nframe 1 5 ${'00'.repeat(12)}0800450000280000400040060000${'0a000001'}01020304${'1234'}2329${'00'.repeat(20)}\nend\n`,
    ],
  ),
  'uplink/connect/relay-list parseRelayList': text(parseRelayList, ['1.2.3.4:9001\n[2a00::1]:443\n']),
};
