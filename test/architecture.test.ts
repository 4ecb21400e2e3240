import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'ava';

const SERVICES = join(import.meta.dirname, '../services');

/** Folder of the router → the folders of the router it may import. Everything may import common. */
const ROUTER_ARROWS: Record<string, readonly string[]> = {
  crypto: [],
  wire: ['crypto'],
  i2np: ['crypto', 'wire'],
  ntcp2: ['crypto', 'wire', 'i2np'],
  netdb: ['crypto', 'wire', 'i2np'],
  peers: ['crypto', 'wire', 'i2np'],
  tunnel: ['crypto', 'wire', 'i2np'],
  garlic: ['crypto', 'wire', 'i2np'],
  destination: ['crypto', 'wire', 'i2np', 'netdb', 'tunnel', 'garlic'],
  streaming: ['crypto', 'wire', 'i2np', 'destination'],
  node: ['crypto', 'wire', 'i2np', 'ntcp2', 'netdb', 'peers', 'tunnel', 'garlic', 'destination', 'streaming'],
  client: ['crypto', 'wire'],
  host: ['crypto', 'wire', 'i2np', 'ntcp2', 'netdb', 'peers', 'streaming', 'node', 'client'],
};

/** Node modules that bring sockets, files, processes or timers; cores may not import them. */
const IO_MODULES =
  /^(node:)?(net|tls|http|https|fs|fs\/promises|child_process|dgram|dns|sqlite|timers.*|worker_threads)$/;
/** Calls that read the clock, entropy or start timers. */
const AMBIENT =
  /\b(Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|setImmediate|performance\.now|randomBytes|randomFillSync|randomUUID|generateKeyPairSync|process\.(env|hrtime|cwd))\b/;

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => join(folder, name));
}

function imports(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}

test('the router imports along the arrows only', (t) => {
  const router = join(SERVICES, 'router');
  for (const file of sources(router)) {
    const room = relative(router, file).split('/')[0] ?? '';
    const allowed = ROUTER_ARROWS[room];
    if (allowed === undefined) {
      t.regex(room, /^main\.ts$/, `${relative(SERVICES, file)}: a folder without arrows`);
      continue;
    }
    for (const target of imports(file).filter((name) => name.startsWith('.'))) {
      const other = relative(router, join(dirname(file), target)).split('/')[0] ?? '';
      t.true(other === room || allowed.includes(other), `${relative(SERVICES, file)} imports ${other}`);
    }
  }
});

test('common knows no service', (t) => {
  for (const file of sources(join(SERVICES, 'common'))) {
    for (const target of imports(file))
      t.notRegex(target, /^@allium|\.\.\/\.\.\/(?!common)/, relative(SERVICES, file));
  }
});

test('cores have no socket, file, clock, timer or entropy of their own', (t) => {
  for (const room of Object.keys(ROUTER_ARROWS).filter((name) => name !== 'host')) {
    for (const file of sources(join(SERVICES, 'router', room))) {
      const name = relative(SERVICES, file);
      for (const target of imports(file)) t.notRegex(target, IO_MODULES, name);
      const code = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      t.notRegex(code, AMBIENT, name);
    }
  }
});

test('only common and host may log', (t) => {
  for (const room of Object.keys(ROUTER_ARROWS).filter((name) => name !== 'host')) {
    for (const file of sources(join(SERVICES, 'router', room))) {
      t.notRegex(
        readFileSync(file, 'utf8'),
        /\bconsole\.(log|error|warn|info|debug)\b|observe\/logger/,
        relative(SERVICES, file),
      );
    }
  }
});
