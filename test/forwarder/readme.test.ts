import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ACTIONS } from '../../services/forwarder/syntax/action-table.ts';
import { DIRECTIVES } from '../../services/forwarder/syntax/directives.ts';
import { PROBES } from './support/probes.ts';

const README = readFileSync(join(import.meta.dirname, '../../services/forwarder/README.md'), 'utf8');

test('the README names every directive, every action and the reason of every deviation', (t) => {
  for (const name of [...DIRECTIVES.keys(), ...ACTIONS.keys()]) t.true(README.includes(`\`${name}`), name);
  for (const { deviation } of PROBES) {
    if (deviation !== undefined) t.true(README.includes(deviation.why), deviation.why);
  }
});
