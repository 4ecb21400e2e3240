import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { Transaction } from 'nftables-ts/transaction.ts';
import { compile } from '../../services/policy/ruleset/compile.ts';
import { GATE, POLICIES, shippedPolicy } from './support.ts';

const MAIN = join(import.meta.dirname, '../../services/policy/main.ts');
const SHIPPED = join(import.meta.dirname, '../../images/policy/policy.yaml');
const file = join(tmpdir(), `allium-print-${process.pid}.yaml`);
writeFileSync(file, readFileSync(SHIPPED, 'utf8').replace('/etc/allium/policies', POLICIES));
test.after.always(() => rmSync(file));

async function print(...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, '--print', ...args]);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, out, err };
}

test('--print shows the rules that would be loaded', async (t) => {
  const lan = { ...GATE.lan, device: 'lan' };
  const up = { ...GATE.up, device: 'up' };
  const meant = new Transaction();
  const site = { state: 'open', policy: shippedPolicy('leak-proof'), generation: 0 } as const;
  for (const table of compile({ ...site, gate: { ...GATE, lan, up } })) meant.replaceTable(table);
  const { code, out } = await print(file, 'leak-proof', 'open');
  t.is(code, 0);
  t.deepEqual(JSON.parse(out), JSON.parse(JSON.stringify(meant)));
  t.not((await print(file, 'leak-proof', 'tor-only')).out, out);
  t.is((await print(file, 'leak-proof', 'sealed')).code, 0);
});

test('--print of what is not there says so', async (t) => {
  t.like(await print(file, 'leak-proof', 'ajar'), { code: 2, out: '' });
  t.like(await print(file, '../x', 'open'), { code: 2, out: '' });
  const { code, err } = await print(file, 'other', 'open');
  t.is(code, 1);
  t.regex(err, /other\.yaml:1:1: cannot be read \(ENOENT\)\n$/);
});
