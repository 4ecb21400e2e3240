/**
 * What a Privoxy configuration does on a gateway and on somebody's own machine, in a network namespace of its own, where
 * all addresses and ports are those of people's files: `gate-main.ts FOLDER` with `config` for the forwarder, which has the
 * image's own file beside it, and perhaps `privoxy` for Privoxy. Prints `Seen` as JSON.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createLogger } from '@allium/common/observe/logger.ts';
import { SocksClient } from 'socks';
import { startForwarder } from '../../../services/forwarder/host/forwarder.ts';
import { loadRules } from '../../../services/forwarder/host/load.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeRouter } from './fake-router.ts';
import { destinationOf } from './names-table.ts';
import { SocksServer } from './socks-server.ts';

/** What was answered, as status and who said it, by `door target`. */
export interface Seen {
  readonly ours: Readonly<Record<string, string>>;
  readonly privoxy?: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

const LAN = '10.152.152.10';
const GATEWAY = join(import.meta.dirname, '../../../images/forwarder/gateway');
const TARGETS = ['http://site.i2p/', 'http://site.i2p/banner.gif', 'http://clear.example/'];
const START_MS = 20_000;

/** A web server, or a proxy, that says who it is. */
async function speaker(who: string, port = 0): Promise<number> {
  const server = createServer((_request, response) => response.end(who));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function read(socket: Socket, target: string, line = target): Promise<string> {
  const { host } = new URL(target);
  socket.write(`GET ${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const text = Buffer.concat(await socket.toArray()).toString('latin1');
  const said = /\r\n\r\n([\s\S]*)$/.exec(text)?.[1] ?? '';
  return `${/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]} ${/^(?:i2p|tor)$/.test(said) ? said : 'the proxy'}`;
}

async function open(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}

async function overSocks(port: number, target: string): Promise<string> {
  const destination = { host: new URL(target).hostname, port: 80 };
  const proxy = { host: LAN, port, type: 5 } as const;
  const asked = SocksClient.createConnection({ proxy, destination, command: 'connect' });
  return await asked.then(
    ({ socket }) => read(socket, target, new URL(target).pathname),
    () => 'refused',
  );
}

async function main(folder: string): Promise<Seen> {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  execFileSync('ip', ['address', 'add', `${LAN}/32`, 'dev', 'lo']);
  const router = await FakeRouter.start({ teardown: () => {} });
  router.ports.set(80, await speaker('i2p'));
  router.hosts.set('site.i2p', destinationOf('the site').base32);
  await speaker('i2p', 4444);
  const clearnet = await speaker('tor');
  for (const port of [9050, 9150]) await SocksServer.start(clearnet, port);

  const shipped = readFileSync(GATEWAY, 'utf8');
  writeFileSync(join(folder, 'gateway'), shipped.replace(/^allium-router .*\n/m, router.line));
  const loaded = loadRules(join(folder, 'config'), join(folder, 'gateway'));
  await startForwarder({ loaded, logger: createLogger('forwarder', 'silent') });
  const ours: Record<string, string> = {};
  for (const target of TARGETS) {
    for (const port of [8118, 4444]) ours[`${port} ${target}`] = await read(await open(LAN, port), target);
  }
  for (const port of [9150, 4447]) {
    for (const target of ['http://site.i2p/', 'http://clear.example/'])
      ours[`${port} ${target}`] = await overSocks(port, target);
  }
  const warnings = loaded.warnings.map(({ why }) => why);
  const file = join(folder, 'privoxy');
  return existsSync(file) ? { ours, privoxy: await askPrivoxy(folder, file), warnings } : { ours, warnings };
}

async function askPrivoxy(folder: string, file: string): Promise<Record<string, string>> {
  const child: ChildProcess = spawn('/usr/sbin/privoxy', ['--no-daemon', file], {
    cwd: folder,
    stdio: 'ignore',
  });
  try {
    await eventually('Privoxy listens', START_MS, async () => (await open('127.0.0.1', 8118)).destroy());
    const seen: Record<string, string> = {};
    for (const target of TARGETS) seen[`8118 ${target}`] = await read(await open('127.0.0.1', 8118), target);
    return seen;
  } finally {
    child.kill();
  }
}

const seen = await main(process.argv[2] ?? '');
process.stdout.write(JSON.stringify(seen), () => process.exit(0));
