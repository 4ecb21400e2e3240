import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'ava';

const SUPERVISOR = join(import.meta.dirname, '../../services/supervisor');
/** Folder of the supervisor → the folders of it that it may import. */
const ARROWS: Record<string, readonly string[]> = {
  observe: [],
  leaktest: [],
  plan: ['observe'],
  execute: ['observe', 'plan'],
  host: ['observe', 'plan', 'execute', 'leaktest'],
  'main.ts': ['host'],
  'cli.ts': ['host', 'leaktest'],
};
const IO = /^(node:.*|dockerode)$/;
const AMBIENT = /\b(Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|performance\.now|process\.)/;

const files = readdirSync(SUPERVISOR, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !name.includes('node_modules'),
);

for (const name of files) {
  test(`${name} imports along the arrows`, (t) => {
    const file = join(SUPERVISOR, name);
    const room = name.split('/')[0] ?? '';
    const text = readFileSync(file, 'utf8');
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    for (const [, target = ''] of text.matchAll(/from '([^']+)'/g)) {
      if (target.startsWith('.')) {
        const other = relative(SUPERVISOR, join(dirname(file), target)).split('/')[0] ?? '';
        t.true(other === room || ARROWS[room]?.includes(other), `imports ${other}`);
      } else if (ARROWS[room] !== undefined && ['observe', 'plan', 'execute', 'leaktest'].includes(room)) {
        t.notRegex(target, IO);
      }
    }
    if (['observe', 'plan', 'execute', 'leaktest'].includes(room)) t.notRegex(code, AMBIENT);
    t.pass();
  });
}
