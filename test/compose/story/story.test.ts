/**
 * The gateway as shipped in front of the test network, used as a person would: a workstation that has no settings but
 * the gateway as default route, on a macvlan as compose.lan.yaml makes it. Needs the test network.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { docker } from '../../network/docker.ts';
import { SHARED } from '../../network/layout.ts';
import { pass } from '../../network/stages.ts';
import { must, eventually as wait } from '../../support/eventually.ts';
import { ask } from '../../support/http-client.ts';
import { openThroughSocks } from '../../support/socks-client.ts';
import { siteFile, testNetwork } from '../../support/test-network.ts';
import { container, inTheWay, PROXY, until } from '../live/appliance.ts';
import { gatewayCompose, memory, Progress, takeDown } from './gateway.ts';
import { WORKSTATION_IMAGE } from './watcher.ts';
import { curl, onWorkstation, type Read } from './workstation.ts';

const problem = await inTheWay();
const test = (problem === undefined ? anyTest.serial : anyTest.serial.skip) as TestFn;
if (problem !== undefined) console.log(`# skipped: ${problem}`);

const network = await testNetwork();
const PAGE = `${network.eepsite.origin}/`;
const CLEARNET = network.clearnet.url;
const BY_ADDRESS = `http://${network.containers.site.address}:8080/`;
const GATE = '10.152.152.10';
/** The workstations' side: a link of the machine's that the gate and the workstation sit on. */
const PARENT = 'allium-story';
const compose = gatewayCompose(PARENT);
/** Seconds for one page; ms until one has come, the tries before it included. */
const TRY = 20;
const PAGE_DEADLINE_MS = 120_000;

if (problem === undefined) {
  anyTest.before(async (t) => {
    t.timeout(300_000);
    await compose('build', '--quiet');
    await onHost('link', 'add', PARENT, 'type', 'veth', 'peer', 'name', `${PARENT}-b`);
    for (const end of [PARENT, `${PARENT}-b`]) await onHost('link', 'set', end, 'up');
    const progress = new Progress((line) => t.log(line));
    try {
      await compose('up', '--detach', '--no-build');
      await progress.opened();
      await eventually(t, isPage, '--proxy', PROXY, PAGE);
      progress.tell('first page');
    } finally {
      // Its looks would keep this process from ending.
      await progress.end();
    }
  });
  anyTest.after.always(async (t) => {
    t.timeout(60_000);
    await takeDown(compose);
    await onHost('link', 'del', PARENT).catch(() => undefined);
  });
}

function onHost(...ip: string[]): Promise<string> {
  const options = ['--rm', '--network', 'host', '--cap-drop', 'ALL', '--cap-add', 'NET_ADMIN'];
  return docker('run', ...options, '--entrypoint', 'ip', WORKSTATION_IMAGE, ...ip);
}

const isPage = (read: Read): boolean => read.status === 200 && read.sha256 === siteFile(network, '/').sha256;
const isClearnet = (read: Read): boolean => read.status === 200 && read.text.includes(network.clearnet.text);

/** Asks until the answer is right: circuits and tunnels break now and then, and are made anew. */
async function eventually(
  t: ExecutionContext,
  isRight: (read: Read) => boolean,
  ...args: string[]
): Promise<Read> {
  t.timeout(PAGE_DEADLINE_MS + 30_000);
  let tries = 0;
  const read = await pass(
    {
      name: args.join(' '),
      deadline: PAGE_DEADLINE_MS,
      look: async () => {
        tries++;
        const found = await curl('--max-time', String(TRY), ...args);
        return isRight(found) ? { done: found } : { notYet: `HTTP ${found.status} ${found.text}` };
      },
    },
    (line) => t.log(line),
  );
  if (tries > 1) t.log(`${tries} tries`);
  return read;
}

async function reads(
  t: ExecutionContext,
  isRight: (read: Read) => boolean,
  ...args: string[]
): Promise<void> {
  t.true(isRight(await eventually(t, isRight, ...args)));
}

test('an I2P site through the proxy', reads, isPage, '--proxy', PROXY, PAGE);
test(
  'an I2P site through the port that I2P software expects',
  reads,
  isPage,
  '--proxy',
  `http://${GATE}:4444`,
  PAGE,
);
test('a clearnet page through the proxy', reads, isClearnet, '--proxy', PROXY, CLEARNET);
test(
  'a clearnet page through Tor’s SOCKS port',
  reads,
  isClearnet,
  '--proxy',
  `socks5h://${GATE}:9050`,
  CLEARNET,
);
test(
  'a clearnet page through an HTTP tunnel port',
  reads,
  isClearnet,
  '--proxytunnel',
  '--proxy',
  `http://${GATE}:9190`,
  CLEARNET,
);
test('a clearnet page with no settings at all: DNS and TCP are caught', reads, isClearnet, CLEARNET);
test('a page by address with no settings', reads, isClearnet, BY_ADDRESS);

test('a DNS question to any server is answered by Tor', async (t) => {
  t.is(await onWorkstation('cat', '/etc/resolv.conf'), 'nameserver 8.8.8.8\n');
  const answer = await onWorkstation('getent', 'ahostsv4', 'clearnet.test');
  t.regex(answer, new RegExp(`^${network.containers.site.address.replaceAll('.', '\\.')}\\s`));
});

test('an onion service through SOCKS, and with no settings by an address that Tor lends it', async (t) => {
  const name = (await readFile(join(network.directory, SHARED.tor, 'onion', 'hostname'), 'utf8')).trim();
  t.timeout(400_000);
  // Directories have to know the service first; who asked them too early is not told for a while.
  await wait('the onion service is known', 180_000, async () => {
    const socket = await openThroughSocks(network.torSocksPath, name, 80);
    must((await ask({ socket }, `http://${name}/`, { deadline: 20_000 })).status === 200, 'no page');
  });
  t.true(isClearnet(await eventually(t, isClearnet, '--proxy', `socks5h://${GATE}:9050`, `http://${name}/`)));
  const [lent = ''] = (await onWorkstation('getent', 'ahostsv4', name)).split(/\s/);
  t.regex(lent, /^10\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./);
  // curl itself refuses to ask for names in .onion
  t.true(isClearnet(await eventually(t, isClearnet, `http://${lent}/`)));
});

test('Tor Browser’s SOCKS port leads to I2P sites and to the clearnet', async (t) => {
  const socks = ['--proxy', `socks5h://${GATE}:9150`];
  t.true(isPage(await eventually(t, isPage, ...socks, PAGE)));
  t.true(isClearnet(await eventually(t, isClearnet, ...socks, CLEARNET)));
});

test('I2P’s SOCKS port leads to I2P sites and nowhere else', async (t) => {
  const socks = ['--proxy', `socks5h://${GATE}:4447`];
  t.true(isPage(await eventually(t, isPage, ...socks, PAGE)));
  await t.throwsAsync(curl('--max-time', '20', ...socks, CLEARNET));
});

test('two SOCKS ports have two circuits, and two connections of one port share theirs', async (t) => {
  t.timeout(90_000);
  const hold = (port: number) =>
    docker(
      'exec',
      '--detach',
      container('workstation'),
      'sh',
      '-c',
      `sleep 60 | curl -q --silent --max-time 60 --proxy socks5h://${GATE}:${port} telnet://clearnet.test:8080`,
    );
  await hold(9050);
  await hold(9050);
  await hold(9122);
  const circuits = await pass(
    {
      name: 'three streams',
      deadline: 60_000,
      look: async () => {
        const found = [
          ...(await askTor('GETINFO stream-status')).matchAll(/^\S*\d+ SUCCEEDED (\d+) \S+:8080$/gm),
        ];
        return found.length === 3
          ? { done: found.map(([, circuit]) => circuit) }
          : { notYet: `${found.length}` };
      },
    },
    () => {},
  );
  t.is(new Set(circuits).size, 2, circuits.join(' '));
});

test('i2p-only refuses the clearnet and goes on with I2P; leak-proof lets it through again', async (t) => {
  t.timeout(180_000);
  const takes = async (name: string): Promise<void> => {
    await docker('exec', container('supervisor'), 'allium', 'policy', name);
    await until(({ stage, policy }) => stage === 'open' && policy?.name === name, 60);
  };
  await takes('i2p-only');
  t.true(isPage(await eventually(t, isPage, '--proxy', PROXY, PAGE)));
  const refused = await curl('--max-time', String(TRY), '--proxy', PROXY, CLEARNET);
  t.is(refused.status, 503, refused.text);
  await t.throwsAsync(curl('--max-time', '3', '--proxy', `socks5h://${GATE}:9050`, CLEARNET));
  await t.throwsAsync(curl('--max-time', '3', BY_ADDRESS));
  await takes('leak-proof');
  t.true(isClearnet(await eventually(t, isClearnet, '--proxy', PROXY, CLEARNET)));
  t.true(isClearnet(await eventually(t, isClearnet, BY_ADDRESS)));
});

test('the router has no way out but Tor’s socket: no address, no TCP, no UDP, no name', async (t) => {
  const tried = await docker(
    'exec',
    container('router'),
    'node',
    '-e',
    NO_WAY_OUT,
    network.containers.site.address,
  );
  t.deepEqual(JSON.parse(tried), { links: ['lo'], tcp: 'ENETUNREACH', udp: 'ENETUNREACH', name: true });
});

test('all containers together take less than 512 MiB', async (t) => {
  const found = await memory();
  const sum = Object.values(found).reduce((total, one) => total + one, 0);
  t.log(`${JSON.stringify(found)}, together ${sum.toFixed(0)} MiB`);
  t.true(sum < 512);
});

const NO_WAY_OUT = `
const { readFileSync } = require('node:fs');
const links = [...readFileSync('/proc/net/dev', 'utf8').matchAll(/^ *(\\w+):/gm)].map(([, name]) => name);
const to = process.argv[1];
const code = (start) => new Promise((done) => start((error) => done(error?.code ?? 'out')));
const tcp = (done) => require('node:net').connect(8080, to).once('connect', () => done()).once('error', done);
const udp = (done) => require('node:dgram').createSocket('udp4').once('error', done).send('x', 53, to, done);
const name = (done) => require('node:dns').lookup('clearnet.test', done);
Promise.all([code(tcp), code(udp), code(name)]).then(([tcp, udp, name]) =>
  console.log(JSON.stringify({ links, tcp, udp, name: name !== 'out' })) ?? process.exit());`;

/** One question at Tor's control socket, from the only container besides Tor's that has it. */
function askTor(question: string): Promise<string> {
  const script = `const socket = require('node:net').connect('/run/allium/tor-control/control');
    socket.end('AUTHENTICATE\\r\\n' + process.argv[1] + '\\r\\nQUIT\\r\\n');
    socket.pipe(process.stdout);`;
  return docker('exec', container('supervisor'), 'node', '-e', script, question).then((text) =>
    text.replaceAll('\r', ''),
  );
}
