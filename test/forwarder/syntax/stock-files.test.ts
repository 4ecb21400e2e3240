import { existsSync } from 'node:fs';
import test from 'ava';
import { loadRules } from '../../../services/forwarder/host/load.ts';
import { decide } from '../../../services/forwarder/rules/decide.ts';
import { parseAbsolute } from '../../../services/forwarder/rules/request-url.ts';
import { missing } from '../../support/debian.ts';

const STOCK = '/etc/privoxy/config';
const problem = missing('privoxy') ?? (existsSync(STOCK) ? undefined : `${STOCK} is missing`);
if (problem !== undefined) {
  if (process.env.CI === 'true') test('the stock files are installed', (t) => t.fail(problem));
  else console.log(`skipped: ${problem}`);
}
const stock = problem === undefined ? test : (test.skip as unknown as typeof test);

function verdict(target: string, headers: readonly string[] = []) {
  const { rules } = loadRules(STOCK);
  const parsed = parseAbsolute(target);
  if (parsed.kind !== 'url') throw new Error(target);
  return decide(
    { method: 'GET', url: parsed.url, headers, origin: '10.0.0.2', listenAddress: '10.0.0.1' },
    rules,
  );
}

stock("Debian's configuration with its action and filter files loads as it is", (t) => {
  const { rules, warnings } = loadRules(STOCK);
  t.true(rules.sections.length > 50);
  t.true(rules.sections.flatMap((section) => section.patterns).length > 700);
  t.deepEqual(
    warnings.map((note) => note.why),
    [
      'logfile is ignored: the log goes to standard error',
      'blocks are always enforced: enforce-blocks 0 is ignored',
      '+deanimate-gifs is ignored',
      '+filter is ignored',
      '+downgrade-http-version is ignored',
      'no forward rule takes .i2p: every request for it will be refused',
    ],
  );
});

/** What Privoxy 3.0.34 blocked with the stock files and `forward .i2p`. */
const BLOCKED = [
  'http://ads.i2p/',
  'http://ad.foo.i2p/',
  'http://foo.i2p/ads/x.png',
  'http://foo.i2p/banner.gif',
];
for (const url of BLOCKED) {
  stock(`the stock files block ${url}, as in Privoxy`, (t) => {
    t.is(verdict(url).verdict.kind, 'block');
  });
}

stock('the stock files let an ordinary page pass, with the privacy actions of match-all.action', (t) => {
  const decision = verdict('http://forum.i2p/index.html');
  t.is(decision.verdict.kind, 'pass');
  t.is(decision.actions.value('hide-referrer'), 'conditional-block');
  t.is(decision.actions.value('change-x-forwarded-for'), 'block');
  t.is(decision.actions.value('hide-from-header'), 'block');
  t.true(decision.actions.has('session-cookies-only'));
});

stock('a tag of the stock filters switches actions', (t) => {
  const decision = verdict('http://forum.i2p/', ['Accept', 'image/png']);
  t.deepEqual(decision.tags, ['IMAGE-REQUEST']);
  t.true(decision.actions.has('handle-as-image'));
});

stock(
  'the stock files need no time box, and long and hostile addresses are decided far below its limit',
  (t) => {
    const { rules } = loadRules(STOCK);
    t.false(rules.boxed);
    for (const path of ['x', 'banner/'.repeat(2_000), 'a'.repeat(16_000), '%2f?&=.'.repeat(2_000)]) {
      const parsed = parseAbsolute(`http://a.i2p/${path}`);
      if (parsed.kind !== 'url') throw new Error('not an address');
      const facts = { method: 'GET', url: parsed.url, headers: [], origin: '', listenAddress: '' };
      const before = process.threadCpuUsage().user;
      decide(facts, rules);
      t.true(process.threadCpuUsage().user - before < 100_000, path.slice(0, 20));
    }
  },
);
