/**
 * The shipped compose.yaml on a real engine, in front of a private Tor network of five relays. Takes some two minutes;
 * needs root and an engine: skipped with the reason otherwise, and refused where an appliance is up.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { docker, run } from '../../network/docker.ts';
import { engineProblem } from '../../support/test-network.ts';
import { CONTRACT } from '../contract.ts';
import {
  compose,
  composeOf,
  container,
  inTheWay,
  PATIENT_CURL,
  PROXY,
  status,
  TEST_NETWORK,
  until,
  uplinkNetworks,
} from './appliance.ts';

const problem = (await engineProblem()) ?? (await inTheWay());
const test = (problem === undefined ? anyTest.serial : anyTest.serial.skip) as TestFn;
if (problem !== undefined) console.log(`# skipped: ${problem}`);

/** Seconds: Tor on the private network has its first consensus after some 25. */
const BOOTSTRAP = 120;
const REPAIR = 60;
const OPEN = ['allium_ext', 'allium_up'];
const PAGE = 'hello from the clearnet';

async function fetched(...args: readonly string[]): Promise<string> {
  return await run('curl', [...PATIENT_CURL, '--proxy', PROXY, ...args]);
}

async function page(): Promise<string> {
  return await fetched('http://page.test/');
}

async function ready(seconds: number): Promise<void> {
  await until(({ stage }) => stage === 'open', seconds);
}

if (problem === undefined) {
  anyTest.before(async () => {
    await compose('build', '--quiet');
    await compose('up', '--detach');
  });
  anyTest.after.always(async () => {
    await docker('rm', '--force', 'stranger').catch(() => undefined);
    await compose('down', '--volumes', '--timeout', '2');
  });
}

test('comes up by itself, and opens only after Tor is ready', async (t) => {
  t.timeout(180_000);
  let early: string | undefined;
  await until(({ stage, tor, policy }) => {
    if (tor?.percent !== 100 && policy?.state === 'open') early = JSON.stringify({ stage, tor, policy });
    return stage === 'open';
  }, BOOTSTRAP);
  t.is(early, undefined);
  t.deepEqual(await uplinkNetworks(), OPEN);
  t.is(await page(), PAGE);
});

test('the kernel gives each container what the contract says and no more', async (t) => {
  for (const [role, { caps, user }] of Object.entries(CONTRACT)) {
    const text = await docker('exec', container(role), 'cat', '/proc/1/status');
    const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(text)?.[1] ?? '';
    // Bit 12 is CAP_NET_ADMIN.
    const wanted = caps.length === 0 ? '0000000000000000' : '0000000000001000';
    t.deepEqual(
      [field('CapEff'), field('CapBnd'), field('CapAmb')],
      [wanted, wanted, '0000000000000000'],
      role,
    );
    t.is(field('NoNewPrivs'), '1', role);
    t.is(field('Uid'), /^\d+/.exec(user)?.[0] ?? '', role);
  }
});

test('the gate has no default route and forwards nothing; the router has no interface', async (t) => {
  const routes = await docker('exec', container('gate'), 'ip', 'route');
  t.is(routes.trim().split('\n').length, 2);
  t.notRegex(routes, /default|via/);
  t.is((await docker('exec', container('gate'), 'cat', '/proc/sys/net/ipv4/ip_forward')).trim(), '0');
  const devices = await docker('exec', container('router'), 'cat', '/proc/net/dev');
  t.deepEqual(
    [...devices.matchAll(/^\s*(\w+):/gm)].map(([, name]) => name),
    ['lo'],
  );
  await t.throwsAsync(docker('network', 'connect', 'allium_ext', container('router')));
});

test('a killed gate: the plug is out at once, all is made anew in order, and compose still knows its own', async (t) => {
  t.timeout(120_000);
  const before = await docker('inspect', '--format', '{{.Id}}', container('gate'));
  await docker('kill', container('gate'));
  await until(({ plugged }) => !plugged, 5);
  t.deepEqual(await uplinkNetworks(), ['allium_up']);
  await ready(REPAIR);
  t.not(await docker('inspect', '--format', '{{.Id}}', container('gate')), before);
  t.is(await page(), PAGE);
  const services = await compose('ps', '--services');
  for (const role of Object.keys(CONTRACT)) t.regex(services, new RegExp(`^${role}$`, 'm'));
});

test('a restarted gate has a new namespace: nobody stays in the old one', async (t) => {
  t.timeout(120_000);
  await docker('restart', '--time', '0', container('gate'));
  await until(({ plugged, stage }) => !plugged && stage === 'blocked', 5);
  await ready(REPAIR);
  const links = await Promise.all(
    ['gate', 'policy', 'tor', 'forwarder'].map((role) =>
      docker('exec', container(role), 'readlink', '/proc/self/ns/net'),
    ),
  );
  t.is(new Set(links).size, 1);
  t.is(await page(), PAGE);
});

for (const role of ['policy', 'tor', 'forwarder', 'fence', 'uplink']) {
  test(`a lost ${role} closes everything until it is back`, async (t) => {
    t.timeout(120_000);
    await docker('kill', container(role));
    await until(({ plugged, doubts }) => !plugged && doubts.some((d) => 'role' in d && d.role === role), 5);
    await ready(REPAIR);
    t.is(await page(), PAGE);
  });
}

test('a forwarder that is made anew tells workstations by the same secret, which is its own', async (t) => {
  t.timeout(120_000);
  const secret = async (): Promise<string> =>
    await docker(
      'exec',
      container('forwarder'),
      'sh',
      '-c',
      'cd /var/lib/allium/forwarder; stat -c "%u %a" . secret; sha256sum secret',
    );
  const before = await secret();
  t.regex(before, /^9002 700\n9002 600\n/);
  await docker('rm', '--force', container('forwarder'));
  await until(({ plugged }) => !plugged, 5);
  await ready(REPAIR);
  t.is(await secret(), before);
});

test('Debian’s stock Privoxy file with the two lines of every tutorial is mounted as it is, and works', async (t) => {
  t.timeout(180_000);
  const banner = ['--output', '/dev/null', '--write-out', '%{http_code}', 'http://page.test/banner.gif'];
  const ask = (): Promise<string> => fetched(...banner);
  t.is(await ask(), '200');
  const stock = await docker('exec', container('forwarder'), 'cat', '/etc/privoxy/config');
  const folder = await mkdtemp(join(tmpdir(), 'allium-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const lines = 'forward .i2p 127.0.0.1:4444\nforward-socks5t / 127.0.0.1:9050 .\n';
  await writeFile(join(folder, 'config'), `${stock}${lines}`);
  const mount = `${join(folder, 'config')}:/etc/allium/forwarder/config:ro`;
  await writeFile(
    join(folder, 'overlay.yaml'),
    JSON.stringify({ services: { forwarder: { volumes: [mount] } } }),
  );
  const mounted = composeOf([TEST_NETWORK, join(folder, 'overlay.yaml')]);
  await mounted('up', '--detach', '--no-deps', 'forwarder');
  await until(({ stage }) => stage !== 'open', 10).catch(() => undefined);
  await ready(REPAIR);
  t.is(await page(), PAGE);
  t.is(await ask(), '403');
  await compose('up', '--detach', '--no-deps', 'forwarder');
  await until(({ stage }) => stage !== 'open', 10).catch(() => undefined);
  await ready(REPAIR);
  t.is(await ask(), '200');
});

test('a stranger in the gate’s namespace closes everything until a person removes it', async (t) => {
  t.timeout(120_000);
  await docker(
    'run',
    '--detach',
    '--name',
    'stranger',
    '--network',
    `container:${container('gate')}`,
    'debian:trixie-slim',
    'sleep',
    '600',
  );
  const seen = await until(({ plugged, policy }) => !plugged && policy?.state === 'sealed', 5);
  t.true(seen.doubts.some(({ code }) => code === 'stranger'));
  await docker('rm', '--force', 'stranger');
  await ready(REPAIR);
});

test('rules that somebody takes out of the kernel are noticed and put back', async (t) => {
  t.timeout(60_000);
  const { digest } = await policyStatus();
  await docker('exec', container('gate'), 'nft', 'delete', 'table', 'inet', 'allium');
  const end = Date.now() + 5_000;
  while ((await policyStatus()).digest === digest && Date.now() < end);
  t.not((await policyStatus()).digest, digest);
  await ready(REPAIR);
  t.is(await page(), PAGE);
});

test('an orderly end of the supervisor takes the plug out, and down leaves nothing', async (t) => {
  t.timeout(60_000);
  await compose('stop', 'supervisor');
  t.deepEqual(await uplinkNetworks(), ['allium_up']);
  t.is(await status(), undefined);
  await compose('down', '--volumes', '--timeout', '2');
  const left = ['ps --all', 'network ls', 'volume ls'].map((list) =>
    docker(...list.split(' '), '--quiet', '--filter', 'label=com.docker.compose.project=allium'),
  );
  t.deepEqual(
    (await Promise.all(left)).map((text) => text.trim()),
    ['', '', ''],
  );
  t.notRegex(await readFile('/proc/net/dev', 'utf8'), /allium-(?:lan|up|ext)/);
});

async function policyStatus(): Promise<{ readonly digest: string | null }> {
  const script = `require('node:http').get(
    { socketPath: '/run/allium/policy/control.sock', path: '/status' }, (r) => r.pipe(process.stdout))`;
  return JSON.parse(await docker('exec', container('policy'), 'node', '-e', script)) as {
    digest: string | null;
  };
}
