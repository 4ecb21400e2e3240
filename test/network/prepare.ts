/** Makes this machine able to run the test network: engine and base images, by the scripts that CI uses too. */
import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { docker } from './docker.ts';

const SCRIPTS = ['engine.sh', 'base-images.sh'] as const;
const CI_FOLDER = join(import.meta.dirname, '..', '..', '.ci');

/** Why the network cannot run here, as a sentence; undefined when it can, perhaps after prepare(). */
export async function cannotRun(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'the test network needs Linux';
  if (process.getuid?.() !== 0) {
    return 'the test network needs root: the containers are reached through the bridge, their sockets through a shared folder';
  }
  if (await docker('info').then(isWell, isIll)) return undefined;
  if (await access('/etc/debian_version').then(isWell, isIll)) return undefined;
  return 'no Docker engine answers, and this is no Debian to install one on';
}

/** Runs the scripts; quick when all is there. Throws with what is missing. */
export async function prepare(): Promise<void> {
  for (const script of SCRIPTS) {
    const child = spawn('bash', [join(CI_FOLDER, script)], { stdio: ['ignore', 'inherit', 'inherit'] });
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    child.once('error', reject).once('close', resolve);
    const code = await promise;
    if (code !== 0)
      throw new Error(`.ci/${script} ended with code ${code}: its last line says what is missing`);
  }
}

const isWell = () => true;
const isIll = () => false;
