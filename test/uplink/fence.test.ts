/**
 * The shipped rules of the fence on a real kernel: a namespace for the uplink, one for the gate, one for the world.
 * Needs root, nft and ip.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BlockList } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostKind } from '@allium/common/net/address-rules.ts';
import anyTest, { type TestFn } from 'ava';
import { TOPOLOGY } from '../../services/supervisor/observe/topology.ts';
import { loadUplinkConfig } from '../../services/uplink/host/config.ts';
import { allowed, ENV, kernelProblem, sh } from '../netns/support/machine.ts';
import { missing } from '../support/debian.ts';

const IMAGE = join(import.meta.dirname, '../../images/fence');
const OWN = '172.31.255.3';
const GATE = '172.31.255.2';
/** A public address; the world has every address there is. */
const RELAY = '5.5.5.5';
const UPLINK_UID = 9003;
/** For what comes within a second or two where cores are free. */
const PATIENCE_MS = 20_000;
const REST_MS = 300;

const test = anyTest.serial as TestFn;
const id = randomBytes(3).toString('hex');
const [fence, gate, world] = [`allium-${id}-fence`, `allium-${id}-gate`, `allium-${id}-world`];
const problem = missing('nft', 'ip') ?? kernelProblem();
const children: ChildProcess[] = [];

/** Counts whatever arrives that is not ARP. */
const ORACLE = `table netdev oracle {
  counter seen { }
  chain watch { type filter hook ingress device "DEVICE" priority -500; policy accept; ether type != arp counter name "seen"; }
}`;

/** As the container starts it. The newest is the first of the children. */
function begin(): void {
  const command = ['netns', 'exec', fence, 'sh', join(IMAGE, 'entrypoint.sh'), IMAGE];
  children.unshift(spawn('ip', command, { env: ENV, stdio: 'ignore' }));
}

/** Until its rules are in force: those of the one before are still there when it begins, and look the same. */
async function beginAnew(): Promise<boolean> {
  const old = tableNumber();
  begin();
  return await eventually(() => tableNumber() !== old && isFenced());
}

/** Of the table on the links, which every loading makes anew; undefined without one. */
function tableNumber(): string | undefined {
  const command = ['netns', 'exec', fence, 'nft', '-a', 'list', 'table', 'netdev', 'fence'];
  return /^table netdev fence \{ # handle (\d+)/m.exec(
    spawnSync('ip', command, { env: ENV, encoding: 'utf8' }).stdout,
  )?.[1];
}

/** The names are swapped on purpose: the side of the gate is eth1. */
function plug(): void {
  sh('ip', '-n', world, 'link', 'add', 'out0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', fence);
  up(world, 'out0', '198.18.0.1/24');
  up(fence, 'eth0', '198.18.0.2/24');
  sh('ip', '-n', fence, 'route', 'add', 'default', 'via', '198.18.0.1');
  sh('ip', '-n', world, 'route', 'replace', 'local', '0.0.0.0/0', 'dev', 'lo');
  sh('ip', '-n', world, 'route', 'replace', '198.18.0.0/24', 'dev', 'out0');
  sh('ip', 'netns', 'exec', world, 'nft', ORACLE.replace('DEVICE', 'out0'));
}

function up(namespace: string, device: string, address: string): void {
  sh('ip', '-n', namespace, 'addr', 'add', address, 'dev', device);
  sh('ip', '-n', namespace, 'link', 'set', device, 'up');
}

/** One line of bash as a user; true when it went well within a second. */
function does(namespace: string, uid: number, line: string): boolean {
  const command = ['netns', 'exec', namespace, 'setpriv', '--reuid', `${uid}`, '--clear-groups'];
  return spawnSync('ip', [...command, 'timeout', '1', 'bash', '-c', line], { env: ENV }).status === 0;
}

function serve(namespace: string, port: number): void {
  const script = `require('node:net').createServer((s) => s.end()).listen(${port}, '0.0.0.0')`;
  children.push(
    spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', script], { env: ENV, stdio: 'ignore' }),
  );
}

function seen(): number {
  const text = sh('ip', 'netns', 'exec', world, 'nft', 'list', 'counter', 'netdev', 'oracle', 'seen');
  return Number(/packets (\d+)/.exec(text)?.[1]);
}

/** The count once the last frames of the connections before are through: a busy server hangs up late. */
async function seenAtRest(): Promise<number> {
  for (let before = seen(); ; ) {
    await sleep(REST_MS);
    const now = seen();
    if (now === before) return now;
    before = now;
  }
}

async function eventually(what: () => boolean): Promise<boolean> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(100)) if (what()) return true;
  return false;
}

const isFenced = (): boolean =>
  spawnSync('ip', ['netns', 'exec', fence, 'sh', join(IMAGE, 'fenced.sh')], { env: ENV }).status === 0;

/** One of each range of `hostKind`. */
const RESERVED = [
  '0.1.2.3',
  '10.255.0.1',
  '100.127.0.1',
  '127.9.9.9',
  '169.254.169.254',
  '172.31.255.1',
  '192.0.0.9',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.9.9',
  '198.19.255.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '255.255.255.255',
];

/** What must not leave; with the rules off each of them is seen to do so. */
const FORBIDDEN: readonly { readonly what: string; readonly uid: number; readonly line: string }[] = [
  { what: 'TCP of another user', uid: 0, line: `: >/dev/tcp/${RELAY}/443` },
  { what: 'UDP', uid: UPLINK_UID, line: `echo x >/dev/udp/${RELAY}/9999` },
  { what: 'DNS', uid: UPLINK_UID, line: `echo x >/dev/udp/${RELAY}/53` },
  { what: 'TCP to a private address', uid: UPLINK_UID, line: ': >/dev/tcp/10.9.9.9/443' },
  { what: 'TCP to the other end of the link', uid: UPLINK_UID, line: ': >/dev/tcp/198.18.0.1/443' },
];

anyTest.before(async () => {
  if (problem !== undefined) return;
  for (const name of [fence, gate, world]) {
    sh('ip', 'netns', 'add', name);
    sh('ip', '-n', name, 'link', 'set', 'lo', 'up');
  }
  sh('ip', '-n', gate, 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', fence);
  up(gate, 'up0', `${GATE}/29`);
  up(fence, 'eth1', `${OWN}/29`);
  const fenced = beginAnew();
  for (const port of [443, 9_999, 53]) serve(world, port);
  for (const port of [3_128, 8_080]) serve(fence, port);
  await fenced;
});

anyTest.after.always(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const name of [fence, gate, world]) spawnSync('ip', ['netns', 'del', name], { env: ENV });
});

test('the fence means the addresses, port and user that the uplink has', (t) => {
  const image = (name: string): string => readFileSync(join(IMAGE, '..', name), 'utf8');
  const rules = image('fence/fence.nft');
  const defined = (name: string): string => new RegExp(`^define ${name} = (.*)$`, 'm').exec(rules)?.[1] ?? '';
  const config = loadUplinkConfig(join(IMAGE, '../uplink/uplink.yaml'));
  t.deepEqual(config.listen, { host: defined('own'), port: Number(defined('port')) });
  t.is(config.client, defined('gate'));
  t.is(defined('uplink_uid'), String(TOPOLOGY.uplink.user));
  t.regex(image('fence/entrypoint.sh'), new RegExp(`^OWN=${defined('own')}$`, 'm'));
  t.regex(image('fence/entrypoint.sh'), new RegExp(`^GATE=${defined('gate')}$`, 'm'));
  for (const port of image('fence/entrypoint.sh').matchAll(/[sd]port (\d+)/g)) t.is(port[1], defined('port'));
});

test('a fence that is new asks for the gate once, so that the gate forgets the hardware address of the old one', async (t) => {
  if (!allowed(t, problem)) return;
  const known = (): string => sh('ip', '-n', gate, 'neigh', 'show', OWN);
  children.shift()?.kill('SIGKILL');
  sh('ip', '-n', fence, 'neigh', 'flush', 'dev', 'eth1');
  // As an engine leaves it that draws a new hardware address at each start: believed for 45 s and more.
  sh(
    'ip',
    '-n',
    gate,
    'neigh',
    'replace',
    OWN,
    'lladdr',
    '02:00:00:00:00:01',
    'nud',
    'reachable',
    'dev',
    'up0',
  );
  const own = sh('ip', 'netns', 'exec', fence, 'cat', '/sys/class/net/eth1/address').trim();
  t.notRegex(known(), new RegExp(own));
  begin();
  t.true(await eventually(() => known().includes(own)), known());
});

test('every address that nobody on the Internet has is reserved in the rules, too', (t) => {
  const text = readFileSync(join(IMAGE, 'reserved.nft'), 'utf8');
  const ranges = [...text.matchAll(/(\d+(?:\.\d+){3})\/(\d+)/g)];
  t.true(ranges.length > 10);
  for (const [, first = ''] of ranges) t.is(hostKind(first), 'reserved', first);
  const blocked = new BlockList();
  for (const [, first = '', length] of ranges) blocked.addSubnet(first, Number(length));
  for (const address of RESERVED) {
    t.is(hostKind(address), 'reserved', address);
    t.true(blocked.check(address), address);
  }
  for (const address of ['5.5.5.5', '100.63.0.1', '172.32.0.1', '192.0.1.1', '223.255.255.1']) {
    t.is(hostKind(address), 'public', address);
    t.false(blocked.check(address), address);
  }
});

test('the rules are there before the world is, and close in on it whatever its name', async (t) => {
  if (!allowed(t, problem)) return;
  t.true(isFenced());
  const inet = sh('ip', 'netns', 'exec', fence, 'nft', 'list', 'table', 'inet', 'fence');
  t.regex(inet, /oifname != "eth1".*skuid 9003/);
  plug();
  t.true(await eventually(isFenced));
  t.regex(
    sh('ip', 'netns', 'exec', fence, 'nft', 'list', 'table', 'netdev', 'fence'),
    /egress device "eth0"/,
  );
});

test('the uplink’s user reaches a public address by TCP, and the gate reaches the uplink’s port', async (t) => {
  if (!allowed(t, problem)) return;
  t.true(await eventually(() => does(fence, UPLINK_UID, `: >/dev/tcp/${RELAY}/443`)));
  t.true(await eventually(() => does(gate, 0, `: >/dev/tcp/${OWN}/3128`)));
  t.true(seen() > 0);
});

for (const { what, uid, line } of FORBIDDEN) {
  test(`${what} does not leave`, async (t) => {
    if (!allowed(t, problem)) return;
    const before = await seenAtRest();
    does(fence, uid, line);
    t.is(seen(), before);
  });
}

test('the gate reaches no other port, and the world none at all', (t) => {
  if (!allowed(t, problem)) return;
  t.false(does(gate, 0, `: >/dev/tcp/${OWN}/8080`));
  t.false(does(world, 0, ': >/dev/tcp/198.18.0.2/3128'));
  t.false(does(fence, UPLINK_UID, ': >/dev/tcp/127.0.0.1/3128'));
});

test('a third interface, or none that is the gate’s, closes everything', async (t) => {
  if (!allowed(t, problem)) return;
  const reaches = (): boolean => does(fence, UPLINK_UID, `: >/dev/tcp/${RELAY}/443`);
  sh('ip', '-n', world, 'link', 'add', 'third', 'type', 'veth', 'peer', 'name', 'eth2', 'netns', fence);
  t.true(await eventually(() => !isFenced()));
  t.false(reaches());
  sh('ip', '-n', world, 'link', 'del', 'third');
  t.true(await eventually(isFenced));
  t.true(await eventually(reaches));
});

test('rules that somebody changes end the fence: without it Docker takes the links', async (t) => {
  if (!allowed(t, problem)) return;
  sh('ip', '-n', fence, 'link', 'del', 'eth0');
  await sleep(1_500);
  t.is(children[0]?.exitCode, null, 'a link that leaves is no stranger’s work');
  plug();
  t.true(await eventually(isFenced));
  sh('ip', 'netns', 'exec', fence, 'nft', 'insert', 'rule', 'inet', 'fence', 'early_out', 'accept');
  t.true(await eventually(() => children[0]?.exitCode === 1));
  t.true(await beginAnew());
});

test('the rules outlive whoever made them', async (t) => {
  if (!allowed(t, problem)) return;
  children[0]?.kill('SIGKILL');
  const before = await seenAtRest();
  does(fence, UPLINK_UID, `echo x >/dev/udp/${RELAY}/9999`);
  t.is(seen(), before);
});

test('with the rules off, each of these is seen to leave: the oracle is not blind', async (t) => {
  if (!allowed(t, problem)) return;
  for (const family of ['inet', 'netdev'])
    sh('ip', 'netns', 'exec', fence, 'nft', 'delete', 'table', family, 'fence');
  for (const { what, uid, line } of FORBIDDEN) {
    const before = await seenAtRest();
    does(fence, uid, line);
    t.true(seen() > before, what);
  }
  t.true(await eventually(() => does(gate, 0, `: >/dev/tcp/${OWN}/8080`)));
  t.true(await eventually(() => does(world, 0, ': >/dev/tcp/198.18.0.2/3128')));
});
