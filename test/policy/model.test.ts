import { readdirSync } from 'node:fs';
import { ConfigError } from '@allium/common/config/load.ts';
import test from 'ava';
import { isHostOf, overlap, parseSubnet } from '../../services/policy/model/addresses.ts';
import { type Facts, findGate } from '../../services/policy/model/facts.ts';
import { parsePolicy } from '../../services/policy/model/policy.ts';
import { parseDevices, parseRoutes } from '../../services/policy/model/proc.ts';
import { parseSettings, type Settings } from '../../services/policy/model/settings.ts';
import { POLICIES, POLICY_NAMES, shippedPolicy } from './support.ts';

const HEAD = 'version: 1\nname: p\nabout: a policy for tests\ntor: { why: Tor dials the uplink }\n';
const DOOR = '  - name: a\n    why: a door for tests\n    protocol: tcp\n';

/** text behind the head (line 5 on) → place and words of the error */
const MISTAKES: readonly (readonly [text: string, error: RegExp])[] = [
  ['dors: []\n', /^p\.yaml:5:1: dors: unknown key/],
  [`doors:\n${DOOR}    ports: [0]\n`, /^p\.yaml:9:13: doors\.0\.ports\.0: a port from 1 to 65535/],
  [
    `doors:\n${DOOR}    ports: [http]\n`,
    /^p\.yaml:9:13: doors\.0\.ports\.0: a port from 1 to 65535 or a range/,
  ],
  [
    `doors:\n${DOOR}    ports: [90-80]\n`,
    /^p\.yaml:9:13: doors\.0\.ports\.0: a port from 1 to 65535 or a range/,
  ],
  [`doors:\n${DOOR}    ports: [80, 70-90]\n`, /^p\.yaml:9:5: doors\.0\.ports: port 80 twice/],
  [`doors:\n${DOOR}    ports: []\n`, /^p\.yaml:9:5: doors\.0\.ports: at least one port/],
  [`doors:\n${DOOR}    ports: [80]\n    host: example.com\n`, /^p\.yaml:10:5: doors\.0\.host: unknown key/],
  [`doors:\n${DOOR}    ports: [80]\n${DOOR}    ports: [81]\n`, /^p\.yaml:10:5: doors\.1\.name: 'a' twice/],
  [
    `doors:\n${DOOR}    ports: [80]\n${DOOR.replace('name: a', 'name: b')}    ports: [80]\n`,
    /^p\.yaml:13:5: doors\.1\.ports: a port is in door 'a' already/,
  ],
  ['doors:\n  - name: a\n    protocol: tcp\n    ports: [80]\n', /^p\.yaml:6:5: doors\.0\.why/],
  [
    'doors:\n  - name: a\n    why: short\n    protocol: tcp\n    ports: [80]\n',
    /^p\.yaml:7:5: doors\.0\.why: a line that says why/,
  ],
  [
    'doors:\n  - name: a\n    why: a door for tests\n    protocol: icmp\n    ports: [80]\n',
    /^p\.yaml:8:5: doors\.0\.protocol: 'tcp' or 'udp'/,
  ],
  [`captures:\n${DOOR}    ports: all\n    to: gateway\n`, /^p\.yaml:10:5: captures\.0\.to: a port/],
  ['loopback: yes\n', /^p\.yaml:5:1: loopback/],
  ['version: 1\n', /^p\.yaml:5:1: .*unique/],
  ['about: [\n', /^p\.yaml:\d+:\d+: /],
];

for (const [text, error] of MISTAKES) {
  test(`a policy is refused with line and column: ${JSON.stringify(text)}`, (t) => {
    const thrown = t.throws(() => parsePolicy('p.yaml', HEAD + text), { instanceOf: ConfigError });
    t.regex(thrown?.message ?? '', error);
  });
}

test('captures without Tor, another version and an empty file are refused', (t) => {
  const noTor = HEAD.replace(/tor:.*\n/, '');
  const capture = `captures:\n${DOOR}    ports: all\n    to: 9040\n`;
  t.throws(() => parsePolicy('p.yaml', noTor + capture), {
    message: /p\.yaml:4:1: captures: .*tor is not allowed/,
  });
  t.throws(() => parsePolicy('p.yaml', HEAD.replace('version: 1', 'version: 2')), {
    message: /p\.yaml:1:1: version/,
  });
  t.throws(() => parsePolicy('p.yaml', ''), { instanceOf: ConfigError });
});

test('every shipped policy is one that the tests know', (t) => {
  const files = readdirSync(POLICIES).filter((name) => name.endsWith('.yaml'));
  t.deepEqual(files.sort(), POLICY_NAMES.map((name) => `${name}.yaml`).sort());
  for (const name of POLICY_NAMES) t.is(shippedPolicy(name).name, name);
});

test('i2p-only has nothing that leads to the clearnet', (t) => {
  const { captures, doors } = shippedPolicy('i2p-only');
  t.deepEqual(captures, []);
  const ports = doors.flatMap((door) => door.ports.map(({ from }) => from)).sort((a, b) => a - b);
  t.deepEqual(ports, [4444, 4447, 8118]);
});

const SETTINGS = `policies: /p
control: /run/c.sock
lan: { address: 10.152.152.10, subnet: 10.152.128.0/18 }
up: { address: 172.31.255.2, subnet: 172.31.255.0/29 }
uplink: { address: 172.31.255.3, port: 3128 }
tor: { uid: 9001 }
`;
const settings: Settings = parseSettings('s.yaml', SETTINGS);

const WRONG_SETTINGS: readonly (readonly [from: string, to: string, error: RegExp])[] = [
  [
    '172.31.255.3',
    'uplink',
    /^s\.yaml:5:11: uplink\.address: an IPv4 address; host names are never resolved/,
  ],
  ['172.31.255.3', '172.31.255.9', /^s\.yaml:5:11: uplink\.address: not a host of up\.subnet/],
  ['172.31.255.3', '172.31.255.2', /^s\.yaml:5:11: uplink\.address: the address of up itself/],
  [
    '10.152.128.0/18',
    '10.152.152.0/18',
    /^s\.yaml:3:32: lan\.subnet: '10\.152\.152\.0\/18' is not a network/,
  ],
  ['10.152.152.10', '10.152.191.255', /^s\.yaml:3:8: lan\.address: not a host of the subnet/],
  ['172.31.255.0/29', '10.152.128.0/20', /overlaps the LAN/],
  ['9001', 'debian-tor', /^s\.yaml:6:8: tor\.uid: a number; names are never resolved/],
  ['uid: 9001', 'uid: 0', /^s\.yaml:6:8: tor\.uid/],
  ['policies: /p', 'policies: p', /^s\.yaml:1:1: policies: an absolute path/],
  ['tor:', 'tor :', /^$/],
  ['tor: { uid: 9001 }', 'tor: { uid: 9001, user: tor }', /^s\.yaml:6:19: tor\.user: unknown key/],
];

for (const [from, to, error] of WRONG_SETTINGS) {
  test(`settings with ${to} instead of ${from}`, (t) => {
    const text = SETTINGS.replace(from, to);
    if (error.source === '^$') {
      t.notThrows(() => parseSettings('s.yaml', text));
      return;
    }
    t.regex(t.throws(() => parseSettings('s.yaml', text), { instanceOf: ConfigError })?.message ?? '', error);
  });
}

const LAN = { device: 'eth1', addr: '10.152.128.0', len: 18, gateway: false };
const UP = { device: 'eth0', addr: '172.31.255.0', len: 29, gateway: false };
const SOUND: Facts = {
  devices: ['eth0', 'eth1'],
  macs: new Map([['eth1', '02:42:0a:98:98:0a']]),
  routes: [LAN, UP],
  forwarding: false,
};

test('both sides are found by their networks, whatever they are called', (t) => {
  const found = findGate(SOUND, settings);
  t.true(found.ok);
  if (found.ok) t.deepEqual([found.gate.lan.device, found.gate.up.device], ['eth1', 'eth0']);
});

const DOUBTFUL: readonly (readonly [name: string, facts: Partial<Facts>, doubts: readonly string[]])[] = [
  ['no LAN', { routes: [UP] }, ['link-missing']],
  ['the LAN on two interfaces', { routes: [LAN, { ...LAN, device: 'eth2' }, UP] }, ['link-ambiguous']],
  ['a third interface', { devices: ['eth0', 'eth1', 'eth2'] }, ['link-foreign']],
  [
    'a default route',
    { routes: [LAN, UP, { device: 'eth0', addr: '0.0.0.0', len: 0, gateway: true }] },
    ['route-foreign'],
  ],
  [
    'half of the world on a link',
    { routes: [LAN, UP, { device: 'eth0', addr: '0.0.0.0', len: 1, gateway: false }] },
    ['route-foreign'],
  ],
  ['forwarding', { forwarding: true }, ['forwarding']],
  [
    'a third network with a route',
    {
      devices: ['eth0', 'eth1', 'eth2'],
      routes: [LAN, UP, { device: 'eth2', addr: '192.168.0.0', len: 24, gateway: false }],
    },
    ['link-foreign', 'route-foreign'],
  ],
];

for (const [name, facts, doubts] of DOUBTFUL) {
  test(`a namespace with ${name} is not opened`, (t) => {
    t.deepEqual(findGate({ ...SOUND, ...facts }, settings), { ok: false, doubts });
  });
}

test('a MAC in the settings decides between two interfaces of one network', (t) => {
  const exact = { ...settings, lan: { ...settings.lan, mac: '02:42:0a:98:98:0a' } };
  const facts = { ...SOUND, routes: [LAN, { ...LAN, device: 'eth2' }, UP] };
  t.true(findGate(facts, exact).ok);
  t.false(findGate(SOUND, { ...exact, lan: { ...exact.lan, mac: '02:00:00:00:00:01' } }).ok);
});

test('the files of /proc are read as the kernel writes them', (t) => {
  const dev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
  lan0:     866      11    0    0    0     0          0         0      866      11    0    0    0     0       0          0
eth0.5:     866      11    0    0    0     0          0         0      866      11    0    0    0     0       0          0
`;
  t.deepEqual(parseDevices(dev), ['lan0', 'eth0.5']);
  const route = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
up0\t00000000\t03FF1FAC\t0003\t0\t0\t0\t00000000\t0\t0\t0
lan0\t0080980A\t00000000\t0001\t0\t0\t0\t00C0FFFF\t0\t0\t0
*\t0000000A\t00000000\t0200\t0\t0\t0\t000000FF\t0\t0\t0
`;
  t.deepEqual(parseRoutes(route), [
    { device: 'up0', addr: '0.0.0.0', len: 0, gateway: true },
    { device: 'lan0', addr: '10.152.128.0', len: 18, gateway: false },
  ]);
});

test('networks: what is one, what belongs to it, what overlaps', (t) => {
  const lan = parseSubnet('10.152.128.0/18') ?? { addr: '', len: 0 };
  t.deepEqual(lan, { addr: '10.152.128.0', len: 18 });
  for (const text of [
    '10.152.152.0/18',
    '10.0.0.0/4',
    '10.0.0.0/31',
    '10.0.0.0',
    '300.0.0.0/8',
    '10.0.0.0/018x',
    'fd00::/8',
  ]) {
    t.is(parseSubnet(text), undefined, text);
  }
  for (const address of ['10.152.128.1', '10.152.191.254']) t.true(isHostOf(lan, address));
  for (const address of ['10.152.128.0', '10.152.191.255', '10.152.192.1', '10.152.127.255', 'x'])
    t.false(isHostOf(lan, address));
  t.true(overlap(lan, { addr: '10.152.144.0', len: 20 }));
  t.false(overlap(lan, { addr: '10.152.192.0', len: 18 }));
});
