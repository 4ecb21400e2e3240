/** npm run prove [-- PART...]: everything that is too long for every change, in its whole form; hours. See README.md. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { seconds } from './network/stages.ts';

const PARTS: Readonly<Record<string, readonly string[]>> = {
  fuzz: ['test/fuzz/main.ts', '--inputs', '10000000', '--sessions', '100000'],
  leak: ['test/run.ts', 'kernel', 'leak'],
  fresh: ['test/machines/fresh.ts'],
  engines: ['test/machines/engines.ts'],
  interop: ['test/run.ts', 'interop'],
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  console.error(`no part ${unknown.join(', ')}; there are: ${Object.keys(PARTS).join(' ')}`);
  process.exit(2);
}
const rows: string[] = [];
for (const [name, args] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const started = Date.now();
  const env = { ...process.env, CI: 'true', ALLIUM_PROVE: '1' };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) process.exitCode = 1;
  rows.push(`${name.padEnd(9)}${code === 0 ? 'passed' : 'FAILED'} in ${seconds(Date.now() - started)}`);
}
console.log(`\n${rows.map((row) => `prove: ${row}`).join('\n')}`);
