import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'ava';
import { probesFromOutside } from './leak/probes/from-outside.ts';
import type { Aim } from './leak/probes/probe.ts';
import { probesOfWorkstation } from './leak/probes/table.ts';

const ROOT = join(import.meta.dirname, '..');
const find = (pattern: string): string[] =>
  globSync(pattern, { cwd: ROOT, exclude: (name) => /(?:^|\/)(?:node_modules|\.git)$/.test(name) });
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const PAGES = find('**/*.md');
const SOURCES = find('{services,test,images,.ci}/**/*.{ts,sh,nft,yaml,mjs}');

/** A page without its code blocks, which are examples. */
const prose = (page: string): string => read(page).replaceAll(/^ *```[\s\S]*?^ *```/gm, '');

/** The anchors that hosts make of headings: lower case, punctuation dropped, blanks to hyphens. */
function anchors(page: string): Set<string> {
  const headings = [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => text);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('every link of every page leads to a file, and to a heading in it', (t) => {
  t.true(PAGES.length > 10);
  for (const page of PAGES) {
    for (const [, link = ''] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
      t.true(existsSync(join(ROOT, target)), `${page}: ${link}`);
      if (anchor !== undefined) t.true(anchors(target).has(anchor), `${page}: ${link}`);
    }
  }
});

/** Where a path in a text may begin: beside the file, at the top, or in services/ or test/. */
function resolves(file: string, path: string): boolean {
  return [dirname(file), '.', 'services', 'test'].some((from) => existsSync(join(ROOT, from, path)));
}

test('every path that a page names is there', (t) => {
  for (const page of PAGES.filter((name) => name !== 'CHANGELOG.md')) {
    for (const [, path = ''] of prose(page).matchAll(
      /`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|md|sh|nft|ya?ml|mjs|pl))`/g,
    )) {
      t.true(resolves(page, path), `${page}: ${path}`);
    }
  }
});

/** The comments of a source, one text each. */
function comments(file: string): string[] {
  const lines =
    file.endsWith('.ts') || file.endsWith('.mjs') ? /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm : /^\s*#.*$/gm;
  return read(file).match(lines) ?? [];
}

test('no comment names a file that is not there, or a paper that is not public', (t) => {
  for (const file of SOURCES) {
    for (const text of comments(file)) {
      for (const [, path = ''] of text.matchAll(/(?<![\w/.*<-])((?:[\w.-]+\/)*[\w-]+\.md)\b/g)) {
        t.true(resolves(file, path), `${file}: ${path}`);
      }
      for (const [, path = ''] of text.matchAll(
        /\b[Ss]ee `?((?:[\w.-]+\/)*[\w.-]+\.(?:ts|sh|nft|ya?ml|mjs|pl))/g,
      )) {
        t.true(resolves(file, path), `${file}: ${path}`);
      }
      t.notRegex(text, /\.rst\b|\bfacts (?:section|[0-9A-Z])|\(facts\b|\bof [A-D][0-9]\b/, file);
    }
  }
});

test('every specification that a comment cites by its section is in the index', (t) => {
  const index = read('services/README.md').split('## Specifications')[1] ?? '';
  const cited = /((?:[A-Z][\w-]*|B32)(?: (?:for |of )?[A-Z0-9][\w-]*)*),? "[A-Z]/g;
  for (const file of SOURCES.filter((name) => name.endsWith('.ts'))) {
    for (const [, name = ''] of comments(file).flatMap((text) => [...text.matchAll(cited)])) {
      t.true(index.includes(`| ${name} |`), `${file}: ${name}`);
    }
  }
});

const AIM: Aim = {
  macs: { from: '02:00:00:00:00:01', to: '02:00:00:00:00:02' },
  own: '10.152.152.11',
  gate: '10.152.152.10',
  gateUp: '172.31.255.2',
  uplink: '172.31.255.3',
  upBroadcast: '172.31.255.7',
  lanBroadcast: '10.152.191.255',
  world: '192.0.2.1',
  hosts: ['198.51.100.1'],
};

test('every leak vector that a probe stands for is in the list, which has no gap', (t) => {
  const rows = [...read('test/leak/VECTORS.md').matchAll(/^\| (\d+) \|/gm)].map(([, number]) =>
    Number(number),
  );
  t.deepEqual(
    rows,
    rows.map((_, index) => index + 1),
  );
  const probes = [...probesOfWorkstation(AIM), ...probesFromOutside(AIM, AIM.own)];
  for (const { name, vectors } of probes) {
    for (const vector of vectors) t.true(rows.includes(vector), `${name}: ${vector}`);
  }
});
