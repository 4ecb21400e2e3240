import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'ava';
import { ACTIONS } from '../../services/forwarder/syntax/action-table.ts';
import { DIRECTIVES } from '../../services/forwarder/syntax/directives.ts';
import { PROBES } from './support/probes.ts';

const FORWARDER = join(import.meta.dirname, '../../services/forwarder');

/** Folder → the folders it may import. Everything may import common. */
const ARROWS: Record<string, readonly string[]> = {
  expressions: [],
  syntax: ['expressions'],
  rules: ['expressions', 'syntax'],
  rewrite: ['syntax', 'rules'],
  route: ['syntax', 'rules'],
  socks: [],
  control: [],
  host: ['expressions', 'syntax', 'rules', 'rewrite', 'route', 'socks', 'control'],
  'main.ts': ['host', 'syntax'],
  'control-main.ts': ['host'],
};

const IO_MODULES =
  /^(node:)?(net|tls|http|https|fs|fs\/promises|child_process|dgram|dns|timers.*|worker_threads|vm)$/;
/** The parts of node:net that only calculate. */
const PURE_NET = /^import \{ (?:BlockList|isIP)(?:, (?:BlockList|isIP))* \} from 'node:net';$/m;
const AMBIENT =
  /\b(Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|setImmediate|performance\.now|randomBytes|process\.)\b/;

const sources = readdirSync(FORWARDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
  .map((name) => ({ name, text: readFileSync(join(FORWARDER, name), 'utf8') }));

test('the forwarder imports along the arrows only', (t) => {
  t.true(sources.length > 40);
  for (const { name, text } of sources) {
    const room = name.split('/')[0] ?? '';
    for (const [, target = ''] of text.matchAll(/from '(\.[^']+)'/g)) {
      const other = relative(FORWARDER, join(FORWARDER, dirname(name), target)).split('/')[0] ?? '';
      t.true(other === room || ARROWS[room]?.includes(other), `${name} imports ${other}`);
    }
  }
});

test('only host has sockets, files, clock, timers, entropy and a log', (t) => {
  for (const { name, text } of sources.filter(
    (file) => !/^(?:host\/|main\.ts|control-main\.ts)/.test(file.name),
  )) {
    const rest = text.replace(PURE_NET, '');
    for (const [, target = ''] of rest.matchAll(/from '([^']+)'/g)) t.notRegex(target, IO_MODULES, name);
    t.notRegex(rest.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''), AMBIENT, name);
    t.notRegex(rest, /\bconsole\.|observe\/logger/, name);
  }
});

const README = readFileSync(join(FORWARDER, 'README.md'), 'utf8');

test('the README names every directive, every action and the reason of every deviation', (t) => {
  for (const name of [...DIRECTIVES.keys(), ...ACTIONS.keys()]) t.true(README.includes(`\`${name}`), name);
  for (const { deviation } of PROBES) {
    if (deviation !== undefined) t.true(README.includes(deviation.why), deviation.why);
  }
});
