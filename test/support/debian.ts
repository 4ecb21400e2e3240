/** What the tests need of the machine; `.ci/packages` is the list, `.ci/apt-install.sh` the only one that installs. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CI_FOLDER = join(import.meta.dirname, '../../.ci');
/** Not PATH: node_modules/.bin has another program called nft. */
const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** `what` is a program or an absolute path; value: its Debian package. */
const packages: ReadonlyMap<string, string> = new Map(
  readFileSync(join(CI_FOLDER, 'packages'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/))
    .map(([, what = '', name = '']) => [what, name]),
);

/** Which of these programs (or paths) is missing, as a sentence; undefined when all are there. Installs nothing. */
export function missing(...wanted: readonly string[]): string | undefined {
  const lines = wanted.filter((what) => !isThere(what)).map((what) => `${what} (${packageOf(what)})`);
  return lines.length === 0
    ? undefined
    : `missing: ${lines.join(', ')}; .ci/apt-install.sh tests installs it`;
}

/** Installs a group of `.ci/packages`. Returns why that failed, as a sentence. */
export function install(group: string): string | undefined {
  const { status, stderr } = spawnSync(join(CI_FOLDER, 'apt-install.sh'), [group], {
    stdio: ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
  });
  return status === 0 ? undefined : stderr.trim() || `cannot install ${group}`;
}

function isThere(what: string): boolean {
  return what.startsWith('/') ? existsSync(what) : FOLDERS.some((folder) => existsSync(join(folder, what)));
}

function packageOf(what: string): string {
  const name = packages.get(what);
  if (name === undefined) throw new Error(`${what} is not in .ci/packages`);
  return `Debian package ${name}`;
}
