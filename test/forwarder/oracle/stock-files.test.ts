import { readFileSync } from 'node:fs';
import { loadRules } from '../../../services/forwarder/host/load.ts';
import { decide } from '../../../services/forwarder/rules/decide.ts';
import { parseAbsolute, type RequestUrl } from '../../../services/forwarder/rules/request-url.ts';
import { ACTIONS } from '../../../services/forwarder/syntax/action-table.ts';
import { oracleTest } from '../support/oracle.ts';
import { startPrivoxy } from '../support/proxies.ts';
import { probe } from '../support/raw-client.ts';

const test = oracleTest();

/** Pages asked for at the same time. */
const LANES = 12;
const STOCK = `confdir /etc/privoxy
actionsfile match-all.action
actionsfile default.action
actionsfile user.action
filterfile default.filter
filterfile user.filter
`;

/** The addresses that Debian's action file itself names as examples for its patterns. */
function exampleUrls(): string[] {
  const text = readFileSync('/etc/privoxy/default.action', 'latin1');
  const found = [...text.matchAll(/^# (?:Blocked )?URL *= *(\S+)/gm)].map((match) => match[1] ?? '');
  // One has an empty label, which is refused here.
  return [...new Set(found)].filter((url) => /^https?:\/\/(?![^/]*\.\.)/.test(url));
}

/** The actions that hold, as Privoxy's page lists them, without those that we leave out. */
async function actionsInPrivoxy(port: number, url: string): Promise<string[]> {
  const page = `http://p.p/show-url-info?url=${encodeURIComponent(url)}`;
  const { text } = await probe(port, `GET ${page} HTTP/1.1\r\nHost: p.p\r\nConnection: close\r\n\r\n`, {
    quietMs: 3_000,
  });
  const results = text.slice(text.indexOf('Final results'));
  const found = [...results.matchAll(/^<br>\+<a [^>]*>([^<]*)<\/a>(?:\{(.*)\})?$/gm)];
  return found
    .filter(([, name = '']) => ACTIONS.get(name)?.use === 'done')
    .map(([, name, value]) => (value === undefined ? `+${name}` : `+${name}{${plain(value)}}`))
    .sort();
}

function plain(markup: string): string {
  return markup
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

function targetOf(url: string): RequestUrl | undefined {
  const parsed = parseAbsolute(url.replace(/^https:/, 'http:'));
  if (parsed.kind !== 'url') return undefined;
  return url.startsWith('https:') ? { ...parsed.url, scheme: 'connect', port: 443 } : parsed.url;
}

test("with Debian's files every example address gets the actions that Privoxy gives it", async (t) => {
  t.timeout(120_000);
  const urls = exampleUrls();
  t.true(urls.length > 300);
  const privoxy = await startPrivoxy(STOCK);
  const { rules } = loadRules('/etc/privoxy/config');
  const differing: unknown[] = [];
  let blocked = 0;
  const left = [...urls];
  const lane = async (): Promise<void> => {
    for (let url = left.shift(); url !== undefined; url = left.shift()) {
      const target = targetOf(url);
      const theirs = await actionsInPrivoxy(privoxy.port, url);
      const facts = { method: 'GET', headers: [], origin: '', listenAddress: '' };
      const ours =
        target === undefined ? ['no address'] : decide({ ...facts, url: target }, rules).actions.describe();
      if (ours.join() !== theirs.join()) differing.push({ url, theirs, ours });
      if (theirs.some((action) => action.startsWith('+block'))) blocked++;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await privoxy.stop();
  t.deepEqual(differing, []);
  t.true(blocked > 50, `${blocked} of ${urls.length} are blocked`);
});
