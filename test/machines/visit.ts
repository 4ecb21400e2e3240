/** One machine from an empty folder to nothing: made, used, and removed whatever happens. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { alone } from '../network/lock.ts';
import { type Say, seconds } from '../network/stages.ts';
import { install } from '../support/debian.ts';
import { Machine, type Place } from './machine.ts';
import { type Debian, makeRoot } from './root.ts';

const FOLDER = join(process.env.ALLIUM_CACHE ?? '/var/cache/allium', 'machines');

export interface Visit {
  /** of the machine; a second one of the same name waits */
  readonly name: string;
  readonly debian: Debian;
  /** the root is there, nothing runs yet */
  readonly furnish: (root: string) => Promise<void>;
  readonly shared?: Place['shared'];
}

/** Why no machine can be made here, as a sentence; undefined when one can. */
export function cannotVisit(): string | undefined {
  if (process.platform !== 'linux') return 'a machine of its own needs Linux';
  if (process.getuid?.() !== 0) return 'a machine of its own needs root';
  return install('machines');
}

/** Makes the machine, does `work` in it, and removes it. Throws as `work` does, and when the signal is given. */
export async function visit<T>(
  { name, debian, furnish, shared }: Visit,
  work: (machine: Machine) => Promise<T>,
  { say, signal }: { readonly say: Say; readonly signal: AbortSignal },
): Promise<T> {
  return await alone(
    `allium-machine-${name}`,
    () => say(`another one has ${name}; waiting`),
    async () => {
      const root = join(FOLDER, name);
      await using stack = new AsyncDisposableStack();
      // That of a run that was killed: nothing is mounted there, for mounts end with their processes.
      await remove(root);
      stack.defer(() => remove(root));
      const started = Date.now();
      await makeRoot(root, debian, signal);
      await furnish(root);
      say(`${name}: Debian ${debian.suite} made in ${seconds(Date.now() - started)}`);
      signal.throwIfAborted();
      const machine = await Machine.begin({ name, root, ...(shared === undefined ? {} : { shared }) });
      stack.defer(() => machine.end());
      const { promise: stopped, reject } = Promise.withResolvers<never>();
      stopped.catch(() => undefined);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      return await Promise.race([work(machine), stopped]);
    },
  );
}

async function remove(root: string): Promise<void> {
  const child = spawn('rm', ['-rf', '--one-file-system', root], { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${root} could not be removed`);
}

/** Given once the person or the machine says that it is enough. Everything is removed then. */
export function interruptions(say: Say): AbortSignal {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      say('removing everything; once more ends at once');
      ending.abort(new Error('interrupted'));
    });
  }
  return ending.signal;
}
