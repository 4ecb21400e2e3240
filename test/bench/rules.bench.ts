import { Bench } from 'tinybench';
import { loadRules } from '../../services/forwarder/host/load.ts';
import { requestHeaders } from '../../services/forwarder/rewrite/request-headers.ts';
import { responseHeaders } from '../../services/forwarder/rewrite/response-headers.ts';
import { chooseRoute } from '../../services/forwarder/route/choose.ts';
import { decide, type RequestFacts } from '../../services/forwarder/rules/decide.ts';
import { parseAbsolute } from '../../services/forwarder/rules/request-url.ts';
import { missing } from '../support/debian.ts';

const BROWSER = [
  ...['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'],
  ...['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ...['Accept-Language', 'en-US,en;q=0.5', 'Accept-Encoding', 'gzip, deflate', 'Connection', 'keep-alive'],
  ...['Upgrade-Insecure-Requests', '1', 'Sec-GPC', '1', 'Priority', 'u=0, i'],
];
const SITE = [
  ...['Server', 'nginx', 'Date', 'Sun, 29 Nov 2026 03:00:00 GMT', 'Content-Type', 'text/html'],
  ...[
    'Content-Length',
    '1024',
    'Connection',
    'keep-alive',
    'Set-Cookie',
    'session=0123456789abcdef; Path=/; HttpOnly',
  ],
];
const TARGETS = {
  'a page': 'http://forum.i2p/viewtopic.php?f=12&t=3456',
  'a deep host': 'http://www.static.images.example.org/a/b/c/some-article-with-a-long-name.html?x=y',
  'an advertisement': 'http://example.org/static/ads/banner/468x60.gif',
  'a hostile address of 16 kB': `http://forum.i2p/${'ad/banner'.repeat(1_800)}`,
} as const;

/** What Debian's action and filter files cost for each request. */
export async function suite(): Promise<Bench> {
  const problem = missing('privoxy');
  if (problem !== undefined) throw new Error(problem);
  const bench = new Bench({ name: 'rules', time: 300 });
  const { rules } = loadRules('/etc/privoxy/config');
  for (const [name, target] of Object.entries(TARGETS)) {
    const facts = factsOf(target);
    bench.add(`decide on ${name} by Debian's files`, () => {
      const { actions } = decide(facts, rules);
      chooseRoute(facts.url, rules.settings.forwards, actions);
    });
  }
  const facts = factsOf(TARGETS['a page']);
  const { actions } = decide(facts, rules);
  const plan = { ...facts, framing: { kind: 'none' }, toProxy: true, now: Date.now(), random: 0.5 } as const;
  bench.add('headers of a request', () => {
    requestHeaders(plan, actions, rules);
  });
  bench.add('headers of an answer', () => {
    responseHeaders({ request: facts, headers: SITE, now: plan.now, random: 0.5 }, actions, rules);
  });
  return bench;
}

function factsOf(target: string): RequestFacts {
  const parsed = parseAbsolute(target);
  if (parsed.kind !== 'url') throw new Error(target);
  const headers = ['Host', parsed.url.authority, ...BROWSER];
  return { method: 'GET', url: parsed.url, headers, origin: '10.152.152.11', listenAddress: '10.152.152.10' };
}
