import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ACTIONS } from '../../services/forwarder/syntax/action-table.ts';
import { DIRECTIVES } from '../../services/forwarder/syntax/directives.ts';
import { ODD_ANSWERS } from './support/odd-answers.ts';
import { PROBES } from './support/probes.ts';

const README = readFileSync(join(import.meta.dirname, '../../services/forwarder/README.md'), 'utf8');

test('the README names every directive, every action and the reason of every deviation, and every odd answer', (t) => {
  for (const name of [...DIRECTIVES.keys(), ...ACTIONS.keys()]) t.true(README.includes(`\`${name}`), name);
  for (const { deviation } of PROBES) {
    if (deviation !== undefined) t.true(README.includes(deviation.why), deviation.why);
  }
  const rows = README.split('\n').filter((line) => line.startsWith('| '));
  const cells = new Set(
    rows.flatMap((row) => (row.split('|')[1] ?? '').split(/[,;]/).map((name) => name.trim())),
  );
  for (const { name } of ODD_ANSWERS) t.true(cells.has(name), name);
});
