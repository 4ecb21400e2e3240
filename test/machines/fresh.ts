/**
 * npm run fresh [-- cit [STAGE]... | demo]: what the README tells a newcomer to type, each on a machine that has nothing
 * but Debian 12, npm and the committed tree.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { seconds } from '../network/stages.ts';
import type { Machine } from './machine.ts';
import { cannotVisit, interruptions, visit } from './visit.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const HOME = '/root/allium-gateway';
const DEBIAN = { suite: 'bookworm', packages: ['npm'] };

interface Try {
  readonly name: string;
  readonly line: string;
}

const COMMANDS: readonly Try[] = [
  { name: 'demo', line: 'npm install && npm run demo -- --once' },
  { name: 'cit', line: 'npm cit' },
];

const say = (line: string): void => console.log(`fresh: ${line}`);
const signal = interruptions(say);

/** Without arguments both; of `npm cit` perhaps some stages. */
function wanted([name, ...stages]: readonly string[]): readonly Try[] {
  if (name === undefined) return COMMANDS;
  const found = COMMANDS.filter((command) => command.name === name);
  if (found.length === 0) throw new Error('usage: npm run fresh [-- demo | cit [STAGE]...]');
  if (stages.length === 0) return found;
  if (name !== 'cit') throw new Error(`${name} takes no more words`);
  return [{ name, line: `npm ci && npm test -- ${stages.join(' ')}` }];
}

async function clone(root: string): Promise<void> {
  const folder = join(root, HOME);
  await mkdir(folder, { recursive: true });
  // Whoever owns the checkout; and a shallow one, as CI makes it, has no history to give.
  const git = ['-c', 'safe.directory=*', '-c', 'advice.detachedHead=false'];
  const { stdout } = await promisify(execFile)('git', [...git, '-C', REPOSITORY, 'rev-parse', 'HEAD']);
  const environment = {
    ...process.env,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  };
  const from = `file://${REPOSITORY}`;
  await promisify(execFile)('git', [...git, 'clone', '--quiet', '--depth=1', from, folder], {
    env: environment,
  });
  const cloned = await promisify(execFile)('git', [...git, '-C', folder, 'rev-parse', 'HEAD']);
  if (cloned.stdout !== stdout) throw new Error(`cloned ${cloned.stdout.trim()} instead of ${stdout.trim()}`);
  say(`commit ${stdout.slice(0, 12)}; what is not committed is not tried`);
}

async function attempt({ name, line }: Try): Promise<{ readonly code: number; readonly text: string }> {
  const started = Date.now();
  const work = async (machine: Machine): Promise<number> => {
    say(`on a fresh machine: ${line}`);
    return await machine.run(line, HOME);
  };
  const place = { name: 'allium-fresh', debian: DEBIAN, furnish: clone };
  const code = await visit(place, work, { say, signal });
  return {
    code,
    text: `${name.padEnd(5)} exit code ${code} after ${seconds(Date.now() - started)}: ${line}`,
  };
}

try {
  const commands = wanted(process.argv.slice(2));
  const problem = cannotVisit();
  if (problem !== undefined) throw new Error(problem);
  const results = [];
  for (const command of commands) results.push(await attempt(command));
  for (const { text } of results) say(text);
  process.exitCode = results.every(({ code }) => code === 0) ? 0 : 1;
} catch (error) {
  console.error(`fresh: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
process.exit();
