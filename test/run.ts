/**
 * All tests, fast ones first; the last line is `N passed, N failed`. What the machine cannot run is skipped with its
 * reason, and is a failure where CI=true.
 */
import { globSync } from 'node:fs';
import { styleText } from 'node:util';
import { fuzz } from './fuzz/fuzz.ts';
import { prepare } from './network/prepare.ts';
import { seconds } from './network/stages.ts';
import { install, missing } from './support/debian.ts';
import { ava, command, type Tally } from './support/run-ava.ts';
import { bringNetworkUp, engineProblem } from './support/test-network.ts';

interface Stage {
  readonly name: string;
  /** why it cannot run here; undefined when it can */
  readonly problem?: () => Promise<string | undefined>;
  readonly run: () => Promise<Tally>;
}

/** What these stages need is in package.json alone. */
const BARE = new Set(['types', 'lint', 'fuzz']);

/** Whatever has no stage of its own: it needs no daemon, no root and no other process. */
const UNIT = [
  'test/**/*.test.ts',
  '!test/{sim,process,netns,interop}/**',
  '!test/leak/{kernel,engine}/**',
  '!test/compose/{live,story}/**',
  '!test/forwarder/oracle/**',
];

const stages: readonly Stage[] = [
  { name: 'types', run: () => command('tsc') },
  { name: 'lint', run: () => command('biome', 'ci', '.') },
  { name: 'unit', run: () => ava(2, ...UNIT) },
  { name: 'fuzz', run: fuzzMinute },
  { name: 'simulation', run: () => ava(1, 'test/sim/**') },
  // A dozen programs that start at once are late on busy cores, and no test is about that.
  { name: 'process', run: () => ava(2, '--serial', 'test/process/**') },
  {
    name: 'kernel',
    problem: async () => missing('nft', 'ip', 'perl'),
    run: () => ava(1, 'test/netns/**', 'test/leak/kernel/**'),
  },
  {
    name: 'oracle',
    problem: async () => missing('privoxy', 'tor'),
    run: () => ava(1, 'test/forwarder/oracle/**'),
  },
  { name: 'appliance', problem: engineProblem, run: () => inContainers('test/compose/live/**') },
  { name: 'leak', problem: engineProblem, run: () => inContainers('test/leak/engine/**') },
  { name: 'story', problem: engineProblem, run: () => onNetwork('test/compose/story/story.test.ts') },
  { name: 'interop', problem: engineProblem, run: () => onNetwork(...interopFiles()) },
];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !stages.some((stage) => stage.name === name));
if (unknown.length > 0) {
  console.error(`no stage ${unknown.join(', ')}; there are: ${stages.map(({ name }) => name).join(' ')}`);
  process.exit(2);
}
const wanted = stages.filter(({ name }) => asked.length === 0 || asked.includes(name));
// Once, before anything runs: what is still missing then is said by the test that needs it.
const uninstalled = wanted.some(({ name }) => !BARE.has(name)) ? install('tests') : undefined;
if (uninstalled !== undefined) console.log(styleText('yellow', uninstalled));

const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
const rows: string[] = [];
/** Stays up from the first stage that needs it to the last. */
let network: Awaited<ReturnType<typeof bringNetworkUp>> | undefined;
try {
  for (const stage of wanted) await runStage(stage);
} finally {
  await network?.down();
}
console.log(['', 'stage        passed  failed  skipped     time', ...rows].join('\n'));
const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
console.log(`\n${tally.passed} passed, ${tally.failed} failed${skipped}`);
process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0;

async function runStage(stage: Stage): Promise<void> {
  const started = Date.now();
  const problem = await stage.problem?.();
  if (problem !== undefined) {
    if (process.env.CI === 'true') tally.failed++;
    else tally.skipped++;
    console.log(`${styleText('yellow', 'skipped')} ${stage.name}: ${problem}`);
    return;
  }
  console.log(styleText('bold', `== ${stage.name}`));
  const result = await stage.run().catch((error: unknown) => {
    console.log(String(error));
    return { passed: 0, failed: 1, skipped: 0 };
  });
  addTo(tally, result);
  const took = seconds(Date.now() - started);
  console.log(`   ${stage.name}: ${result.passed} passed, ${result.failed} failed in ${took}`);
  const cells = [String(result.passed).padStart(8), String(result.failed).padStart(8)];
  rows.push([stage.name.padEnd(11), ...cells, String(result.skipped).padStart(9), took.padStart(9)].join(''));
}

/** Each target is a test. The same inputs every time: what is new is hunted for by `npm run fuzz`. */
async function fuzzMinute(): Promise<Tally> {
  const { passed, failed } = await fuzz({ minutes: 1, seed: 'every run' });
  return { passed, failed, skipped: 0 };
}

/** The gateway itself, in containers. The images are built first, as that takes minutes on a new machine. */
async function inContainers(pattern: string): Promise<Tally> {
  await prepare();
  const files = ['-f', 'compose.yaml', '-f', 'test/compose/overlay.test-network.yaml'];
  const built = await command('docker', 'compose', ...files, 'build', '--quiet');
  if (built.failed > 0) return built;
  return await ava(1, pattern);
}

async function onNetwork(...files: readonly string[]): Promise<Tally> {
  network ??= await bringNetworkUp();
  const total: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const file of files) addTo(total, await ava(1, file));
  return total;
}

/** What breaks the network comes last; Java I2P, which takes minutes to begin, only with all that is long. */
function interopFiles(): string[] {
  const faults = (file: string): number => (file.endsWith('faults.test.ts') ? 1 : 0);
  return globSync('test/interop/*.test.ts')
    .filter((file) => process.env.ALLIUM_PROVE === '1' || !file.endsWith('java.test.ts'))
    .sort()
    .sort((a, b) => faults(a) - faults(b));
}

function addTo(total: Tally, more: Tally): void {
  total.passed += more.passed;
  total.failed += more.failed;
  total.skipped += more.skipped;
}
