import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';

/** Where Debian and its relatives keep `ip` and `nft`; node_modules/.bin has another program called nft. */
export const ENV = { ...process.env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Runs to the end and returns the output; throws with what the program said. */
export function sh(...command: string[]): string {
  const [program = '', ...args] = command;
  const ran = spawnSync(program, args, { env: ENV, encoding: 'utf8', timeout: 20_000 });
  if (ran.status === 0) return ran.stdout;
  throw new Error(`${command.join(' ')}: ${ran.error?.message ?? ran.stderr.trim()}`);
}

let found: { readonly problem: string | undefined } | undefined;

/** Why the real kernel cannot be used here; undefined when it can. */
export function kernelProblem(): string | undefined {
  found ??= { problem: lookForProblem() };
  return found.problem;
}

function lookForProblem(): string | undefined {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'not root';
  for (const program of ['nft', 'ip']) {
    if (spawnSync(program, ['--version'], { env: ENV }).error !== undefined) return `no program '${program}'`;
  }
  const name = `allium-probe-${randomBytes(4).toString('hex')}`;
  try {
    sh('ip', 'netns', 'add', name);
    sh('ip', '-n', name, 'link', 'add', 'a0', 'type', 'veth', 'peer', 'name', 'b0');
    sh('ip', 'netns', 'exec', name, 'nft', 'add table netdev probe');
    sh(
      'ip',
      'netns',
      'exec',
      name,
      'nft',
      'add chain netdev probe c { type filter hook egress device "a0" priority 0; }',
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    spawnSync('ip', ['netns', 'del', name], { env: ENV });
  }
}

/** Can raw frames be sent? perl-base is essential on Debian; elsewhere it may be missing. */
export function rawProblem(): string | undefined {
  const ran = spawnSync('perl', ['-e', 'use Socket; socket(my $s, 17, 3, 0) or exit 1'], { env: ENV });
  return ran.status === 0 ? undefined : 'no perl with packet sockets';
}

/** True when the test may go on. Otherwise it is a failure where CI=true, and elsewhere passes with its reason. */
export function allowed(t: ExecutionContext, problem: string | undefined): boolean {
  if (problem === undefined) return true;
  t.log(`skipped: ${problem}`);
  if (process.env.CI === 'true') t.fail(problem);
  else t.pass();
  return false;
}
