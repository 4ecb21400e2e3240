/**
 * All tests, fast ones first; the last line is `N passed, N failed`. What the machine cannot run is skipped with its
 * reason, and is a failure where CI=true.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { styleText } from 'node:util';
import { prepare } from './network/prepare.ts';
import { debianProblem } from './support/debian.ts';
import { bringNetworkUp, engineProblem } from './support/test-network.ts';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

interface Stage {
  readonly name: string;
  /** why it cannot run here; undefined when it can */
  readonly problem?: () => Promise<string | undefined>;
  readonly run: () => Promise<Tally>;
}

/** What needs no daemon, no root and no other process; the rest of the folders have stages of their own. */
const UNIT = [
  'test/*.test.ts',
  'test/{common,router,nftables-ts,policy,uplink,forwarder,supervisor,network}/**',
  'test/leak/packets/**',
  'test/compose/*.test.ts',
  '!test/forwarder/oracle/**',
];

const stages: readonly Stage[] = [
  { name: 'types', run: () => command('tsc') },
  { name: 'lint', run: () => command('biome', 'ci', '.') },
  { name: 'unit', run: () => ava(2, ...UNIT) },
  { name: 'simulation', run: () => ava(1, 'test/sim/**') },
  { name: 'process', run: () => ava(2, 'test/process/**') },
  {
    name: 'kernel',
    problem: () => debianProblem({ '/usr/sbin/nft': 'nftables', '/usr/bin/ip': 'iproute2' }),
    run: () => ava(1, 'test/netns/**', 'test/leak/kernel/**'),
  },
  {
    name: 'oracle',
    problem: () => debianProblem({ '/usr/sbin/privoxy': 'privoxy' }),
    run: () => ava(1, 'test/forwarder/oracle/**'),
  },
  { name: 'appliance', problem: engineProblem, run: () => inContainers('test/compose/live/**') },
  { name: 'leak', problem: engineProblem, run: () => inContainers('test/leak/engine/**') },
  { name: 'interop', problem: engineProblem, run: interop },
];

const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
const wanted = new Set(process.argv.slice(2));
for (const stage of stages) {
  if (wanted.size > 0 && !wanted.has(stage.name)) continue;
  await runStage(stage);
}
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
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`   ${stage.name}: ${result.passed} passed, ${result.failed} failed in ${seconds} s`);
}

/** The gateway itself, in containers. The images are built first, as that takes minutes on a new machine. */
async function inContainers(pattern: string): Promise<Tally> {
  await prepare();
  const files = ['-f', 'compose.yaml', '-f', 'test/compose/overlay.test-network.yaml'];
  const built = await command('docker', 'compose', ...files, 'build', '--quiet');
  if (built.failed > 0) return built;
  return await ava(1, pattern);
}

async function interop(): Promise<Tally> {
  const network = await bringNetworkUp();
  try {
    const total: Tally = { passed: 0, failed: 0, skipped: 0 };
    // what breaks the network comes last
    const isFaults = (file: string): boolean => file.endsWith('faults.test.ts');
    const interop = globSync('test/interop/*.test.ts').sort();
    const story = globSync('test/compose/story/*.test.ts');
    for (const file of [...interop.filter((it) => !isFaults(it)), ...story, ...interop.filter(isFaults)]) {
      addTo(total, await interopFile(file));
    }
    return total;
  } finally {
    await network.down();
  }
}

/**
 * Thirteen i2pd and five Tor have bad moments of their own, so a file that fails is run once more from its beginning.
 * That is said aloud: what needs it often is a fault of ours.
 */
async function interopFile(file: string): Promise<Tally> {
  const first = await ava(1, file);
  if (first.failed === 0) return first;
  console.log(styleText('yellow', `   again: ${file}`));
  return await ava(1, file);
}

function addTo(total: Tally, more: Tally): void {
  total.passed += more.passed;
  total.failed += more.failed;
  total.skipped += more.skipped;
}

/** A program that passes or fails as a whole. */
async function command(program: string, ...args: string[]): Promise<Tally> {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await exitOf(child);
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** Runs ava and shows its failures whole; what passes is only counted. */
async function ava(concurrency: number, ...patterns: string[]): Promise<Tally> {
  const child = spawn('ava', ['--tap', `--concurrency=${concurrency}`, ...patterns], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const done = exitOf(child);
  const result: Tally = { passed: 0, failed: 0, skipped: 0 };
  let failing = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const verdict = /^(not )?ok \d+ - (.*?)(?: # (SKIP|TODO).*)?$/.exec(line);
    if (verdict === null) {
      if (failing || /^# ([^\s]*\.test\.ts|.*exited|.*time|leak \|)/i.test(line)) console.log(line);
      continue;
    }
    failing = verdict[1] !== undefined;
    if (verdict[3] !== undefined) result.skipped++;
    else if (failing) result.failed++;
    else result.passed++;
    if (failing) console.log(`${styleText('red', 'failed')} ${verdict[2]}`);
  }
  const code = await done;
  if (code !== 0 && result.failed === 0) {
    console.log(`ava ended with code ${code}`);
    result.failed++;
  }
  return result;
}

function exitOf(child: ReturnType<typeof spawn>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('close', (code) => resolve(code ?? 1));
  return promise;
}
