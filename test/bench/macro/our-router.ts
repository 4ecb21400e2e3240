import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ForwarderProcess } from '../../support/forwarder-process.ts';
import { RouterHome } from '../../support/router-process.ts';
import type { Contender, Place, Running } from './contender.ts';

/** Counters of /status that end a build. */
const FAILED_BUILDS = ['buildsDeclined', 'buildsTimedOut', 'buildsPeerDown', 'buildsGarbled'] as const;
/** ms for a router to stop by itself; it writes its profile meanwhile, if it keeps one. */
const STOP_MS = 20_000;

export interface OurOptions {
  /** for V8: flags that Node takes from NODE_OPTIONS */
  readonly nodeOptions?: string;
}

/** Our router as `npm start` runs it, with the defaults of its configuration, and a forwarder that is there before. */
export function ourRouter(options: OurOptions = {}): Contender {
  return { name: 'ours', start: (place) => start(place, options) };
}

async function start(place: Place, options: OurOptions): Promise<Running> {
  const home = new RouterHome(
    place.network,
    () => ({
      tor: { socks: `${place.socks.host}:${place.socks.port}` },
      tunnels: place.tunnels,
    }),
    { env: startEnvironment(options.nodeOptions ?? '') },
  );
  const forwarder = await ForwarderProcess.start(home);
  const router = home.start();
  return {
    proxy: forwarder.http,
    pid: Promise.resolve(router.pid),
    buildSuccess: async () => successOf(await router.statusText()),
    problem: async () =>
      router.hasEnded ? `ended with ${await router.exit}: ${router.stderr.trim().slice(-300)}` : undefined,
    [Symbol.asyncDispose]: async () => {
      router.signal('SIGTERM');
      const late = setTimeout(() => router.signal('SIGKILL'), STOP_MS);
      await router.exit;
      clearTimeout(late);
      await forwarder.stop();
      await home.remove();
    },
  };
}

/** What `npm start` sets: the variables and the flags of the package's own script. */
function startEnvironment(nodeOptions: string): Record<string, string> {
  const file = new URL('../../../services/router/package.json', import.meta.url);
  const { scripts } = JSON.parse(readFileSync(file, 'utf8')) as { scripts: { start: string } };
  const words = scripts.start.split(' ');
  const variables = words.filter((word) => /^[A-Z_]+=/.test(word)).map((word) => word.split('=', 2));
  const flags = words.filter((word) => word.startsWith('--'));
  return {
    ...Object.fromEntries(variables),
    NODE_COMPILE_CACHE: fileURLToPath(new URL('../../../node_modules/.cache/compile', import.meta.url)),
    NODE_OPTIONS: [...flags, nodeOptions].join(' ').trim(),
  };
}

function successOf(status: string): number {
  const { tunnels } = JSON.parse(status) as { tunnels: { counters: Record<string, number> } };
  const count = (name: string): number => tunnels.counters[name] ?? 0;
  const failed = FAILED_BUILDS.reduce((sum, name) => sum + count(name), 0);
  const ended = count('buildsAccepted') + failed;
  if (ended === 0) throw new Error('no build has ended');
  return (100 * count('buildsAccepted')) / ended;
}
