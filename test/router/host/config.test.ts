import { parseConfig } from '@allium/common/config/load.ts';
import test from 'ava';
import { routerConfigSchema } from '../../../services/router/host/config.ts';

const minimal = 'dataDir: /var/lib/allium\ntor:\n  socks: /run/tor/router.sock\n';
const parse = (text: string) => parseConfig('router.yaml', text, routerConfigSchema);

test('a folder and a Tor socket are enough', (t) => {
  const config = parse(minimal);
  t.deepEqual(config.tor.socks, { path: '/run/tor/router.sock' });
  t.is(config.netId, 2);
  t.deepEqual(config.tunnels, { length: 3, quantity: 3 });
  t.true(config.reseed.servers);
  t.false(config.allowPrivateAddresses);
});

for (const key of ['allowPrivateAddresses', 'skipIpDiversity']) {
  test(`${key} is refused on the public network`, (t) => {
    t.throws(() => parse(`${minimal}${key}: true\n`), {
      message: new RegExp(`router.yaml:4:1: ${key}: .*netId 2`),
    });
    t.notThrows(() => parse(`${minimal}netId: 99\n${key}: true\n`));
  });
}

const wrong: [string, RegExp][] = [
  ['sockss: /x\n', /router\.yaml:4:1: sockss: unknown key/],
  [
    'streams:\n  listen: localhost\n',
    /router\.yaml:5:3: streams\.listen: an absolute socket path or HOST:PORT/,
  ],
  ['netId: 1\n', /router\.yaml:4:1: netId: .*2/],
  ['tunnels:\n  length: 0\n', /tunnels\.length: .*1/],
  ['logLevel: loud\n', /logLevel: .*"info"/],
  ['http:\n  listen: /x\n', /router\.yaml:4:1: http: unknown key/],
  ['serverTunnels: []\n', /router\.yaml:4:1: serverTunnels: unknown key/],
  ['services:\n  - {name: A, keys: /k}\n', /lower case/],
  ['services:\n  - {name: a, keys: k}\n', /an absolute path/],
  ['services:\n  - {name: a, keys: /k, target: /t}\n', /target: unknown key/],
  ['services:\n  - {name: a, keys: /k}\n  - {name: a, keys: /l}\n', /two services of one name/],
];
for (const [text, message] of wrong) {
  test(`refused: ${text.trim().replaceAll(/\s+/g, ' ')}`, (t) => {
    t.throws(() => parse(minimal + text), { message });
  });
}
