import test from 'ava';
import { permitted } from '../../../services/forwarder/rules/access.ts';
import { decide } from '../../../services/forwarder/rules/decide.ts';
import { parseAbsolute, parseConnect } from '../../../services/forwarder/rules/request-url.ts';
import { createRules } from '../../../services/forwarder/rules/rules.ts';
import { parseActionFile } from '../../../services/forwarder/syntax/action-file.ts';
import { parseConfig } from '../../../services/forwarder/syntax/config-file.ts';
import { parseFilterFile } from '../../../services/forwarder/syntax/filter-file.ts';
import { Notes } from '../../../services/forwarder/syntax/notes.ts';

function rulesOf(actions: string, config = '', filters = '') {
  const notes = new Notes();
  const settings = parseConfig('config', config, notes);
  const sections = parseActionFile('a', actions, notes);
  const rules = createRules({ settings, sections, filters: parseFilterFile('f', filters, notes) }, notes);
  notes.check();
  return rules;
}

function judge(actions: string, target: string, config = '', filters = '', headers: readonly string[] = []) {
  const parsed = target.startsWith('http') ? parseAbsolute(target) : parseConnect(target);
  if (parsed.kind !== 'url') throw new Error(target);
  const facts = { method: 'GET', url: parsed.url, headers, origin: '10.0.0.2', listenAddress: '10.0.0.1' };
  return decide(facts, rulesOf(actions, config, filters));
}

test('all sections that fit are merged in file order; later ones override', (t) => {
  const actions =
    '{+block{one} +hide-user-agent{A}}\n.i2p\n{-block +hide-user-agent{B}}\nfoo.i2p\n{+block{three}}\nfoo.i2p/bad\n';
  t.like(judge(actions, 'http://x.i2p/').verdict, { kind: 'block', reason: 'one' });
  t.is(judge(actions, 'http://foo.i2p/').verdict.kind, 'pass');
  t.is(judge(actions, 'http://foo.i2p/').actions.value('hide-user-agent'), 'B');
  t.like(judge(actions, 'http://foo.i2p/badness').verdict, { kind: 'block', reason: 'three' });
});

test('actions with several values add up, go one by one, or all at once', (t) => {
  const actions =
    '{+add-header{A: 1} +add-header{B: 2}}\n/\n{+add-header{C: 3} -add-header{A: 1}}\nfoo.i2p\n{-add-header}\nnone.i2p\n';
  t.deepEqual(judge(actions, 'http://x.i2p/').actions.values('add-header'), ['A: 1', 'B: 2']);
  t.deepEqual(judge(actions, 'http://foo.i2p/').actions.values('add-header'), ['B: 2', 'C: 3']);
  t.deepEqual(judge(actions, 'http://none.i2p/').actions.values('add-header'), []);
});

test('toggle 0 applies no action, but the ports of CONNECT to I2P stay limited', (t) => {
  t.is(judge('{+block{x}}\n/\n', 'http://x.i2p/', 'toggle 0').verdict.kind, 'pass');
  t.is(judge('', 'x.i2p:25', 'toggle 0').verdict.kind, 'port');
});

const CONNECTS: readonly (readonly [actions: string, target: string, kind: string])[] = [
  ['', 'x.i2p:443', 'pass'],
  ['', 'x.i2p:80', 'pass'],
  ['', 'x.i2p:1024', 'pass'],
  ['', 'x.i2p:1023', 'port'],
  ['', 'x.i2p:25', 'port'],
  ['', 'example.org:25', 'pass'],
  ['{+limit-connect{443}}\n/\n', 'example.org:25', 'port'],
  ['{+limit-connect{-}}\n/\n', 'x.i2p:25', 'pass'],
  ['{+limit-connect{,}}\n/\n', 'x.i2p:443', 'port'],
  ['{+limit-connect{-3, 7, 20-100, 500-}}\n/\n', 'example.org:7', 'pass'],
  ['{+limit-connect{-3, 7, 20-100, 500-}}\n/\n', 'example.org:8', 'port'],
];
for (const [actions, target, kind] of CONNECTS) {
  test(`CONNECT ${target} with "${actions.split('\n')[0]}" is ${kind}`, (t) => {
    t.is(judge(actions, target).verdict.kind, kind as 'pass');
  });
}

const FILTERS = `CLIENT-HEADER-TAGGER: method M
s@^(\\w+) http.*@$1@
CLIENT-HEADER-TAGGER: agent A
s@^User-Agent: (.*)@UA $1@i
CLIENT-HEADER-TAGGER: ip I
s@^\\w+ http.*@IP $origin@D
`;

test('tags choose sections; suppressed ones do not; absence counts too', (t) => {
  const tagger =
    '{+client-header-tagger{method} +client-header-tagger{agent} +client-header-tagger{ip}}\n/\n';
  const headers = ['User-Agent', 'Evil/1'];
  t.deepEqual(judge(tagger, 'http://x.i2p/', '', FILTERS, headers).tags, ['GET', 'UA Evil/1', 'IP 10.0.0.2']);
  const blocks = `${tagger}{+block{evil}}\nTAG:^UA Evil\n`;
  t.is(judge(blocks, 'http://x.i2p/', '', FILTERS, headers).verdict.kind, 'block');
  t.is(judge(blocks, 'http://x.i2p/', '', FILTERS).verdict.kind, 'pass');
  const suppressed = blocks.replace('{+client', '{+suppress-tag{UA Evil/1} +client');
  t.is(judge(suppressed, 'http://x.i2p/', '', FILTERS, headers).verdict.kind, 'pass');
  const absent = `${tagger}{+block{no agent}}\nNO-REQUEST-TAG:^UA \n`;
  t.is(
    judge(`${tagger}{+block{x}}\nCLIENT-TAG:.\nNO-RESPONSE-TAG:.\n`, 'http://x.i2p/', '', FILTERS).verdict
      .kind,
    'pass',
  );
  t.is(judge(absent, 'http://x.i2p/', '', FILTERS).verdict.kind, 'block');
});

test('a header filter that no file defines ends the start', (t) => {
  t.throws(() => rulesOf('# x\n{+client-header-filter{gone}}\n/\n'), {
    message: /^a:2: no filter file defines/,
  });
  t.throws(() => rulesOf('{+client-header-tagger{gone}}\n/\n'), { message: /no filter file defines/ });
  t.notThrows(() => rulesOf('{-client-header-filter{gone}}\n/\n'));
});

const REDIRECTS: readonly (readonly [actions: string, url: string, location: string | undefined])[] = [
  ['{+redirect{http://b.i2p/}}\na.i2p\n', 'http://a.i2p/x', 'http://b.i2p/'],
  ['{+redirect{http://b.i2p/}}\n/\n', 'http://b.i2p/', undefined],
  ['{+redirect{s@^http://a@https://b@}}\na.i2p\n', 'http://a.i2p/x', 'https://b.i2p/x'],
  ['{+redirect{s@^.*$@javascript:x@}}\na.i2p\n', 'http://a.i2p/x', undefined],
  ['{+redirect{s@nothing@x@}}\na.i2p\n', 'http://a.i2p/x', undefined],
  ['{+fast-redirects{simple-check}}\n/\n', 'http://a.i2p/go?http://b.i2p/c', 'http://b.i2p/c'],
  ['{+fast-redirects{simple-check}}\n/\n', 'http://a.i2p/go?http%3a//b.i2p/c', undefined],
  ['{+fast-redirects{check-decoded-url}}\n/\n', 'http://a.i2p/go?http%253a//b.i2p/c', 'http://b.i2p/c'],
];
for (const [actions, url, location] of REDIRECTS) {
  test(`${actions.split('\n')[0]} on ${url} leads to ${location ?? 'nowhere else'}`, (t) => {
    const { verdict } = judge(actions, url);
    t.is(verdict.kind === 'redirect' ? verdict.location : undefined, location);
  });
}

/** RUN with Privoxy 3.0.34: lines, then whether 127.0.0.1 may come in at all, and to 10.1.1.1:80. */
const LISTS: readonly (readonly [lines: string, comes: boolean, passes: boolean])[] = [
  ['', true, true],
  ['permit-access 127.0.0.1', true, true],
  ['permit-access localhost', true, true],
  ['permit-access 127.0.0.0/255.0.0.0', true, true],
  ['permit-access 10.0.0.0/8', false, false],
  ['deny-access 10.0.0.1', false, false],
  ['permit-access 127.0.0.1\ndeny-access 127.0.0.1', false, false],
  ['deny-access 127.0.0.1\npermit-access 127.0.0.1', true, true],
  ['permit-access 127.0.0.1\ndeny-access 127.0.0.1 10.9.9.9', false, true],
  ['permit-access 127.0.0.1 10.1.0.0/16', true, true],
  ['permit-access 127.0.0.1 10.2.0.0/16', true, false],
  ['permit-access 127.0.0.1 10.1.1.1:81', true, false],
  ['permit-access 127.0.0.1:5', false, false],
];
for (const [lines, comes, passes] of LISTS) {
  test(`"${lines.replaceAll('\n', ' / ')}" decides as Privoxy's lists do`, (t) => {
    const notes = new Notes();
    const { access } = parseConfig('config', lines, notes);
    notes.check();
    const from = { host: '::ffff:127.0.0.1', port: 4 };
    t.is(permitted(access, from), comes);
    t.is(permitted(access, from, { host: '10.1.1.1', port: 80 }), passes);
  });
}

test('a Unix socket fits no line with a destination', (t) => {
  const notes = new Notes();
  const { access } = parseConfig('config', 'permit-access 127.0.0.1 0.0.0.0/0\n', notes);
  t.false(permitted(access, { host: '127.0.0.1', port: 4 }, 'socket'));
});
