import { dirname } from 'node:path';
import test from 'ava';
import { sources } from '../support/sources.ts';
import { textTakers } from '../support/text-takers.ts';
import { BUGS } from './planted/bugs.ts';
import { allTargets } from './targets/groups.ts';

/** What reads by its name: a function, or a method that is given what came. */
const READER =
  / (?:(?:decode|find|open|parse|peek|read|unpack|verify)(?:[A-Z0-9]\w*)?|[A-Z]\w+\.(?:accept|arrive|decrypt|enter|feed|message|open|push|read|receive|reply|step|take|build|data))$/;
/** Codecs are values, which the compiler does not call readers. */
const CODEC = /^export const (\w+Codec)\b/gm;
/** Rooms that have sockets and files, as test/architecture.test.ts keeps them: what comes from those goes to the others. */
const HOST = /\/host(?:\/|$)/;
/** Names that read nothing from outside: questions to a table of ours, or what others have read. */
const OTHERS: ReadonlySet<string> = new Set([
  'policy/state/core PolicyCore.step',
  'policy/verify/verify verify',
  'supervisor/plan/doubts findDoubts',
  'nftables-ts/validate-rule chainTargets',
  'policy/model/facts findGate',
  'router/streaming/registry StreamRegistry.find',
]);

const all = sources();
const folders = [...new Set(all.map(({ file }) => dirname(file)))].filter(
  (folder) => (folder.includes('/') || folder === 'nftables-ts') && !HOST.test(folder),
);
const takers = textTakers(folders);
const codecs = all.flatMap(({ file, code }) =>
  [...code.matchAll(CODEC)].map(([, name]) => `${file.slice(0, -'.ts'.length)} ${name}`),
);
const targets = await allTargets();
/** `reader (variant)` → `reader` */
const readers = new Set([...targets.keys()].map((name) => name.replace(/ \([^)]*\)$/, '')));

test('every exported reader of bytes or text is hunted in, or says why not', (t) => {
  const wanted = [...takers.filter((name) => READER.test(name) && !OTHERS.has(name)), ...codecs];
  t.true(wanted.length > 100, `${wanted.length} readers`);
  t.deepEqual(wanted.filter((name) => !readers.has(name)).sort(), []);
});

test('every target is a reader that exists', (t) => {
  const known = new Set([...takers, ...codecs]);
  t.deepEqual([...readers].filter((name) => !known.has(name)).sort(), []);
});

test('a reader that is not hunted in says why', (t) => {
  for (const [name, { target }] of targets) if (typeof target === 'string') t.true(target.length > 5, name);
});

test('bugs are planted where their text still is', (t) => {
  for (const { file, from, name } of BUGS) {
    t.is(all.find((source) => source.file === file)?.text.split(from).length, 2, name);
  }
});
