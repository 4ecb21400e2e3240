/** The file system of a machine: Debian as mmdebstrap makes it, and how this machine reaches its registries. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** slirp4netns answers there, and asks this machine's own resolver. */
const RESOLVER = '10.0.2.3';
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
/** What a machine needs to know of this one's way to registries; nothing else of the environment goes in. */
const PASSED_ON = ['http_proxy', 'https_proxy', 'no_proxy', 'npm_config_registry'];
const CI_FOLDER = join(import.meta.dirname, '../../.ci');

export interface Debian {
  readonly suite: string;
  /** beyond a minimal system */
  readonly packages: readonly string[];
}

/** Fills `folder`, which must be empty or absent. Throws with what mmdebstrap said. */
export async function makeRoot(folder: string, debian: Debian, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { stdout: mirror } = await promisify(execFile)(join(CI_FOLDER, 'mirror.sh'));
  const args = [
    ...['--quiet', '--variant=minbase', `--include=${['ca-certificates', ...debian.packages].join(',')}`],
    ...(await aptOptions()).map((option) => `--aptopt=${option}`),
    ...[debian.suite, folder, mirror.trim()],
  ];
  // Its mounts end with it, however it ends.
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'mmdebstrap', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`mmdebstrap ${debian.suite} ended with code ${code}: ${said.trim()}`);
  await writeFile(join(folder, 'etc/resolv.conf'), `nameserver ${RESOLVER}\n`);
  // A mirror of a registry may answer under a private authority that this machine trusts.
  await copyInto(folder, CERTIFICATES);
}

/** A file of this machine, inside at the same path or another one. */
export async function copyInto(root: string, file: string, inside = file): Promise<void> {
  await mkdir(dirname(join(root, inside)), { recursive: true });
  await copyFile(file, join(root, inside));
}

/** For programs inside: nothing of this machine's but its way to registries. */
export function environment(): Record<string, string> {
  const passed = Object.entries(process.env).filter(([name]) => PASSED_ON.includes(name.toLowerCase()));
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LANG: 'C.UTF-8',
    NODE_EXTRA_CA_CERTS: CERTIFICATES,
    SSL_CERT_FILE: CERTIFICATES,
    ...(Object.fromEntries(passed) as Record<string, string>),
  };
}

/** How this machine's apt reaches and trusts its mirror, as `name value;` lines. */
async function aptOptions(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('apt-config', ['dump']);
  return stdout.split('\n').filter((line) => /^Acquire::(Check-|https?::)\S+ "[^"]+";$/.test(line));
}
