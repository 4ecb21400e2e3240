import test from 'ava';
import { decide } from '../../../services/forwarder/rules/decide.ts';
import { parseAbsolute, parseConnect } from '../../../services/forwarder/rules/request-url.ts';
import { createRules } from '../../../services/forwarder/rules/rules.ts';
import { parseActionFile } from '../../../services/forwarder/syntax/action-file.ts';
import { parseConfig } from '../../../services/forwarder/syntax/config-file.ts';
import { Notes } from '../../../services/forwarder/syntax/notes.ts';
import { parseTrustFile } from '../../../services/forwarder/syntax/trust-file.ts';

function verdictOf(list: string | undefined, target: string, config = '', actions = ''): string {
  const notes = new Notes();
  const settings = parseConfig('config', config, notes);
  const trust = list === undefined ? undefined : parseTrustFile('trust', list, notes);
  const sections = parseActionFile('a', actions, notes);
  const rules = createRules({ settings, sections, filters: [], trust }, notes);
  notes.check();
  const parsed = target.startsWith('http') ? parseAbsolute(target) : parseConnect(target);
  if (parsed.kind !== 'url') throw new Error(target);
  const facts = {
    method: 'GET',
    url: parsed.url,
    headers: [],
    origin: '10.0.0.2',
    listenAddress: '10.0.0.1',
  };
  const { verdict } = decide(facts, rules);
  return verdict.kind === 'block' ? verdict.reason : verdict.kind;
}

const UNTRUSTED = 'not on the list of trusted sites';
const VERDICTS: readonly (readonly [list: string, target: string, verdict: string])[] = [
  ['~.i2p\n', 'http://a.i2p/', 'pass'],
  ['~.i2p\n', 'a.i2p:443', 'pass'],
  ['~.i2p\n', 'http://example.org/', UNTRUSTED],
  ['~.i2p\n', 'example.org:443', UNTRUSTED],
  ['', 'http://a.i2p/', UNTRUSTED],
  ['~.i2p\nbad.i2p\n', 'http://bad.i2p/', UNTRUSTED],
  ['bad.i2p\n~.i2p\n', 'http://bad.i2p/', 'pass'],
  ['~ .i2p # mine\n', 'http://a.i2p/', 'pass'],
];
for (const [list, target, verdict] of VERDICTS) {
  test(`${JSON.stringify(list)}: ${target} is ${verdict}`, (t) => t.is(verdictOf(list, target), verdict));
}

test('without a list everything is trusted; a block holds beside it, and no toggle takes it away', (t) => {
  t.is(verdictOf(undefined, 'http://example.org/'), 'pass');
  t.is(verdictOf('~.i2p\n', 'http://ads.i2p/', '', '{+block{ads}}\nads.i2p\n'), 'ads');
  t.is(verdictOf('~.i2p\n', 'http://example.org/', '', '{+block{x}}\n/\n{-block}\n/\n'), UNTRUSTED);
  t.is(verdictOf('~.i2p\n', 'http://example.org/', 'toggle 0\n'), UNTRUSTED);
});

test('a trusted referrer and a broken pattern are refused', (t) => {
  const notes = new Notes();
  parseTrustFile('trust', '+links.i2p\n~.i2p/(x\n', notes);
  t.deepEqual(
    notes.errors.map(({ line }) => line),
    [1, 2],
  );
  t.regex(notes.errors[0]?.why ?? '', /write "~links\.i2p"/);
});
