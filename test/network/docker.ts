/** The `docker` program: run it, and find the containers and networks that carry our label. */
import { spawn } from 'node:child_process';

/** Every container and network of the test network carries it; nothing without it is ever touched. */
const LABEL = 'allium.test';
const CONFIG_LABEL = 'allium.test.config';
export const PROJECT = 'allium-test';
/** Output kept of one command, in characters: enough for any answer read here, and for an error's end. */
const OUTPUT_LIMIT = 4_000_000;

export class DockerError extends Error {
  override readonly name = 'DockerError';
}

export interface Container {
  readonly id: string;
  readonly name: string;
  /** the compose service */
  readonly role: string;
  readonly running: boolean;
  /** hash of the files the container was made from; see layout.ts */
  readonly config: string;
}

/** Runs a program and returns its standard output. Throws DockerError with the end of its error output. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Promise<string> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (out.length < OUTPUT_LIMIT) out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  const code = await promise.catch((error: Error) => {
    throw new DockerError(`${program} cannot be run: ${error.message}`);
  });
  if (code !== 0) {
    const said = (errors.trim() || out.trim()).split('\n').slice(-8).join('\n');
    throw new DockerError(`${program} ${args.slice(0, 3).join(' ')} ended with code ${code}:\n${said}`);
  }
  return out;
}

export function docker(...args: string[]): Promise<string> {
  return run('docker', args);
}

const OURS = [
  '--filter',
  `label=${LABEL}=1`,
  '--filter',
  `label=com.docker.compose.project=${PROJECT}`,
] as const;

/** The test network's containers, running or not. */
export async function containers(): Promise<Container[]> {
  const fields = ['{{.ID}}', '{{.Names}}', '{{.State}}'];
  for (const label of ['com.docker.compose.service', CONFIG_LABEL]) fields.push(`{{.Label "${label}"}}`);
  const text = await docker('ps', '--all', ...OURS, '--format', fields.join('\t'));
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', name = '', state = '', role = '', config = ''] = line.split('\t');
      return { id, name, role, running: state === 'running', config };
    });
}

/** Containers removed at a time: an engine that unplugs thirty at once may lose count of them. */
const AT_ONCE = 6;

/**
 * Removes the labelled containers and networks, and nothing else. A network whose endpoints the engine has lost count of
 * (20.10 does; it counts anew when it starts) cannot be removed: it stays, and is used again.
 */
export async function removeAll(): Promise<void> {
  const ids = words(await docker('ps', '--all', '--quiet', ...OURS));
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    await docker('rm', '--force', '--volumes', ...ids.slice(at, at + AT_ONCE));
  }
  for (const id of words(await docker('network', 'ls', '--quiet', ...OURS))) {
    await docker('network', 'rm', id).catch((error: Error) => {
      if (!error.message.includes('has active endpoints')) throw error;
    });
  }
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
