import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'ava';

const SERVICES = join(import.meta.dirname, '../../services');
/** Folder of the policy service → the folders of it that it may import. */
const ARROWS: Record<string, readonly string[]> = {
  model: [],
  state: ['model'],
  ruleset: ['model'],
  verify: ['model', 'ruleset'],
  host: ['model', 'state', 'ruleset', 'verify'],
  'main.ts': ['model', 'host'],
};
const IO = /^node:(net|http|fs|fs\/promises|child_process|dgram|dns|timers.*|os)$/;
const AMBIENT =
  /\b(Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|randomInt|randomUUID|process\.)/;

function sources(service: string): string[] {
  const folder = join(SERVICES, service);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => join(folder, name));
}

function imports(file: string): string[] {
  // `isIPv4` of node:net only reads text.
  const text = readFileSync(file, 'utf8').replace("import { isIPv4 } from 'node:net';", '');
  return [...text.matchAll(/from '([^']+)'/g)].map((match) => match[1] ?? '');
}

test('the policy service imports along its arrows, and its cores have no I/O, clock or chance', (t) => {
  const root = join(SERVICES, 'policy');
  for (const file of sources('policy')) {
    const room = relative(root, file).split('/')[0] ?? '';
    const allowed = ARROWS[room];
    t.truthy(allowed, `${room}: a folder without arrows`);
    for (const target of imports(file)) {
      if (room !== 'host' && room !== 'main.ts') t.notRegex(target, IO, relative(SERVICES, file));
      if (!target.startsWith('.')) continue;
      const other = relative(root, join(dirname(file), target)).split('/')[0] ?? '';
      t.true(other === room || allowed?.includes(other), `${relative(SERVICES, file)} imports ${other}`);
    }
    const code = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    if (room !== 'host' && room !== 'main.ts') t.notRegex(code, AMBIENT, relative(SERVICES, file));
  }
});

test('nftables-ts knows nothing of this project', (t) => {
  for (const file of sources('nftables-ts')) {
    for (const target of imports(file))
      t.regex(target, /^(node:|zod$|\.\/[a-z-]+\.ts$)/, relative(SERVICES, file));
    t.notRegex(readFileSync(file, 'utf8'), /allium/i, relative(SERVICES, file));
  }
});
