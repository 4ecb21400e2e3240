import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const INSTALL = join(import.meta.dirname, '../../.ci/apt-install.sh');

/**
 * Installs what is missing, where root may: `programs` maps the path of a program to its Debian package. Returns why
 * tests that need them cannot run, as a sentence; undefined when they can.
 */
export async function debianProblem(programs: Readonly<Record<string, string>>): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = Object.entries(programs).filter(([path]) => !existsSync(path));
  if (missing.length === 0) return undefined;
  const packages = missing.map(([, name]) => name);
  const { status, stderr } = spawnSync(INSTALL, packages, {
    stdio: ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
  });
  return status === 0 ? undefined : stderr.trim() || `cannot install ${packages.join(' ')}`;
}
