/**
 * npm run engines [-- ENGINE [STAGE]...]: the gateway in containers on other engines than this machine's, each in a
 * machine of its own with this checkout as it is. A stage is one of test/run.ts, or `demo`.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { prepare } from '../network/prepare.ts';
import { seconds } from '../network/stages.ts';
import type { Machine } from './machine.ts';
import { copyInto, type Debian } from './root.ts';
import { cannotVisit, interruptions, visit } from './visit.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const HOME = '/srv/allium-gateway';
const CACHE = '/var/cache/allium';
/** Base images as .ci/base-images.sh keeps them, so that they are not made again. */
const IMAGES = '{debian,node}-*.tar';
const STAGES = ['demo', 'appliance', 'story', 'leak'];

const SEPARATE = ['docker.io', 'docker-cli', 'docker-compose', 'docker-buildx', 'iptables'];

/** `newest`: of the first of these that can be installed today. */
const ENGINES: Readonly<Record<string, readonly Debian[]>> = {
  // .ci/engine.sh brings compose, which Debian 12 has not.
  '20.10': [{ suite: 'bookworm', packages: ['docker.io', 'iptables', 'libatomic1'] }],
  '26.1': [{ suite: 'trixie', packages: [...SEPARATE, 'libatomic1'] }],
  newest: [
    { suite: 'sid', packages: [...SEPARATE, 'libatomic1'] },
    { suite: 'trixie', packages: [...SEPARATE, 'libatomic1'] },
  ],
};

const say = (line: string): void => console.log(`engines: ${line}`);
const signal = interruptions(say);

async function furnish(root: string): Promise<void> {
  const outside = process.env.ALLIUM_CACHE ?? CACHE;
  for (const file of globSync(IMAGES, { cwd: outside })) {
    await copyInto(root, join(outside, file), join(CACHE, file));
  }
}

/** Returns the exit code of each stage that failed, and the versions. */
async function stagesOf(
  machine: Machine,
  stages: readonly string[],
): Promise<{ failed: string[]; versions: string }> {
  if ((await machine.run('.ci/engine.sh && .ci/base-images.sh', HOME)) !== 0)
    return { failed: ['the engine'], versions: 'no engine' };
  const versions = await machine.read(
    'echo "Docker $(docker version --format "{{.Server.Version}}"), compose $(docker compose version --short)"',
    HOME,
  );
  say(versions);
  const failed: string[] = [];
  for (const stage of stages) {
    const started = Date.now();
    const what = stage === 'demo' ? 'test/network/demo.ts --once' : `test/run.ts ${stage}`;
    const code = await machine.run(`.ci/node ${what}`, HOME, { CI: 'true' });
    if (code !== 0) failed.push(stage);
    say(`${versions}: ${stage} ended with code ${code} after ${seconds(Date.now() - started)}`);
  }
  return { failed, versions };
}

async function attempt(name: string, stages: readonly string[]): Promise<{ failed: boolean; text: string }> {
  let reason: unknown;
  for (const debian of ENGINES[name] ?? []) {
    const started = Date.now();
    let begun = false;
    const work = async (machine: Machine): ReturnType<typeof stagesOf> => {
      begun = true;
      return await stagesOf(machine, stages);
    };
    try {
      const place = { name: `allium-engine-${name}`, debian, furnish, shared: [[REPOSITORY, HOME]] as const };
      const { failed, versions } = await visit(place, work, { say, signal });
      const verdict = failed.length === 0 ? 'passed' : `FAILED: ${failed.join(', ')}`;
      const date = new Date().toISOString().slice(0, 10);
      const took = seconds(Date.now() - started);
      return {
        failed: failed.length > 0,
        text: `${date}  ${versions}: ${stages.join(', ')}: ${verdict} in ${took}`,
      };
    } catch (error) {
      if (begun || signal.aborted) throw error;
      say(`Debian ${debian.suite} cannot be made today: ${String(error)}`);
      reason = error;
    }
  }
  throw reason;
}

try {
  const [name, ...stages] = process.argv.slice(2);
  const names = name === undefined ? Object.keys(ENGINES) : [name];
  if (name !== undefined && !(name in ENGINES))
    throw new Error(`usage: npm run engines [-- ${Object.keys(ENGINES).join(' | ')} [STAGE]...]`);
  const problem = cannotVisit();
  if (problem !== undefined) throw new Error(problem);
  // For the files that all of them share.
  await prepare();
  const results = [];
  for (const each of names) results.push(await attempt(each, stages.length === 0 ? STAGES : stages));
  for (const { text } of results) say(text);
  process.exitCode = results.some(({ failed }) => failed) ? 1 : 0;
} catch (error) {
  console.error(`engines: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
process.exit();
