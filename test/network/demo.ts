/**
 * npm run demo [-- --stay]: our router behind a real Tor, among real I2P routers, on this machine alone.
 * The router runs in a network namespace of its own that has no interface at all: Tor's Unix socket is its only way out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Fetched, fetchThroughSocks } from './fetching.ts';
import { SHARED } from './layout.ts';
import { type TestNetwork, up } from './network.ts';
import { cannotRun } from './prepare.ts';
import { pass, seconds } from './stages.ts';

const ROUTER = join(import.meta.dirname, '../../services/router/main.ts');
/** In ms: first peers, tunnels, LeaseSet lookup and page, each behind Tor. */
const PAGE_DEADLINE_MS = 180_000;
const PAGE_TRY_MS = 30_000;
/** Between two bytes of a file, in ms. */
const STALL_MS = 60_000;

const say = (line: string) => console.log(`demo: ${line}`);

async function main(): Promise<void> {
  const network = await up();
  const folder = join(network.directory, SHARED.demo);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const socks = join(folder, 'socks');
  const router = await startRouter(network, folder, socks);
  try {
    await pass(
      { name: 'page of the eepsite', deadline: PAGE_DEADLINE_MS, look: () => page(network, socks) },
      say,
    );
    for (const path of ['/1m.bin', '/10m.bin'] as const) {
      const got = await fetchThroughSocks(socks, `${network.eepsite.origin}${path}`, STALL_MS);
      const right = got.sha256 === network.eepsite.files.find((file) => file.path === path)?.sha256;
      if (!right) throw new Error(`${path} came with ${got.bytes} bytes and another hash`);
      say(`${path}: ${got.bytes} bytes, hash as published, ${seconds(got.total)}, ${rate(got)}`);
    }
    if (!process.argv.includes('--stay')) return;
    say('the router stays until Ctrl-C; try');
    say(`  curl --proxy socks5h://localhost${socks} ${network.eepsite.origin}/`);
    await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  } finally {
    router.kill('SIGTERM');
    say('the network stays up for the next try; `node test/network/main.ts down` removes it');
  }
}

async function startRouter(network: TestNetwork, folder: string, socks: string): Promise<ChildProcess> {
  const config = {
    dataDir: join(folder, 'data'),
    netId: network.netId,
    tor: { socks: network.torSocksPath },
    reseed: { files: [network.reseedDir], servers: false },
    socks: { listen: socks },
    allowPrivateAddresses: true,
  };
  const file = join(folder, 'router.yaml');
  await writeFile(file, JSON.stringify(config, null, 2)); // JSON is YAML
  const router = spawn('unshare', ['--net', process.execPath, ROUTER, '--config', file], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.once('exit', () => router.kill('SIGKILL'));
  router.once('exit', (code) => {
    if (code !== null && code !== 0) {
      console.error(`demo: the router ended with code ${code}`);
      process.exit(1);
    }
  });
  return router;
}

async function page(network: TestNetwork, socks: string) {
  const { status, sha256 } = await fetchThroughSocks(socks, `${network.eepsite.origin}/`, PAGE_TRY_MS);
  const right = status === 200 && sha256 === network.eepsite.files.find((file) => file.path === '/')?.sha256;
  return right ? { done: undefined } : { notYet: `HTTP ${status}` };
}

function rate(got: Fetched): string {
  return `${(got.bytes / 1000 / Math.max(1, got.total - got.firstByte)).toFixed(2)} MB/s`;
}

const problem = await cannotRun();
try {
  if (problem !== undefined) throw new Error(problem);
  await main();
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
