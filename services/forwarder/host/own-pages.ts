import { type Html, html } from '@allium/common/text/html.ts';
import { type Answer, pageAnswer, textAnswer } from '../pages/answer.ts';
import { chooseRoute, routeText } from '../route/choose.ts';
import { decide, type RequestFacts } from '../rules/decide.ts';
import { pairsOf, valuesOf } from '../rules/raw-headers.ts';
import { parseAbsolute, type RequestUrl } from '../rules/request-url.ts';
import { noRouteAnswer, upstreamAnswer } from './answers.ts';
import type { Context } from './context.ts';
import { TimeBoxError } from './time-box.ts';

const OWN_HOSTS = new Set(['p.p', 'config.privoxy.org']);

/** A page of the proxy's own; undefined when the request is for somebody else. */
export function ownPage(facts: RequestFacts, context: Context): Answer | undefined {
  if (!OWN_HOSTS.has(facts.url.host) || facts.url.scheme !== 'http') return undefined;
  if (!context.rules.settings.pages || !fromOwnPage(facts)) return unknownHost(facts.url, context);
  if (facts.method !== 'GET' && facts.method !== 'HEAD') {
    const refused = textAnswer(405, 'Method Not Allowed', 'GET or HEAD.', false);
    return { ...refused, headers: [...refused.headers, 'Allow', 'GET, HEAD'] };
  }
  const [path = '', query = ''] = facts.url.path.slice(1).split('?', 2);
  switch (path) {
    case '':
      return menuPage();
    case 'show-status':
      return statusPage(context);
    case 'show-request':
      return requestPage(facts);
    case 'show-url-info':
      return urlInfoPage(query, facts, context);
    case 'robots.txt':
      return textAnswer(200, 'OK', 'User-agent: *\nDisallow: /', false);
    default:
      return pageAnswer(
        404,
        'Privoxy configuration page not found',
        'Privoxy configuration page not found',
        html`<p>There is no such page. <a href="/">All pages</a></p>`,
      );
  }
}

/** Any other site that asks sees what it would see of a host that does not exist. */
function fromOwnPage(facts: RequestFacts): boolean {
  return ['referer', 'origin']
    .flatMap((name) => valuesOf(facts.headers, name))
    .every((value) => {
      const site = parseAbsolute(value);
      return site.kind === 'url' && OWN_HOSTS.has(site.url.host);
    });
}

function unknownHost(url: RequestUrl, context: Context): Answer {
  // The path is the asker's own; a slow expression must not be tried on it here.
  const route = chooseRoute({ ...url, path: '/' }, context.rules.settings.forwards);
  return route.kind === 'none'
    ? noRouteAnswer()
    : upstreamAnswer({ code: 'socks', reason: 'HostUnreachable' });
}

function menuPage(): Answer {
  return pageAnswer(
    200,
    'OK',
    'Allium Gateway: forwarder',
    html`<p>Compatible with Privoxy's configuration; nothing can be changed from here.</p>
<ul><li><a href="/show-status">Configuration and counters</a></li>
<li><a href="/show-request">The request that your browser sends</a></li>
<li><a href="/show-url-info">Which actions and which parent an address gets</a></li></ul>`,
  );
}

function statusPage({ rules, warnings, counters }: Context): Answer {
  const { settings } = rules;
  const ways: Html[] = settings.forwards.map(
    (rule) => html`<li>line ${rule.line}: <code>${rule.pattern.source}</code></li>
`,
  );
  const notes: Html[] = warnings.map(
    (note) => html`<li>${fileName(note.file)}:${note.line}: ${note.why}</li>
`,
  );
  const counts: Html[] = Object.entries(counters.toJSON()).map(
    ([name, count]) => html`<li>${name}: ${count}</li>
`,
  );
  return pageAnswer(
    200,
    'OK',
    'Status',
    html`<h2>Forward rules, the last one that fits wins</h2><ol>
${ways}</ol>
<p>Actions are ${settings.actionsOn ? 'enabled' : 'disabled'}; ${rules.sections.length} sections of actions.</p>
<h2>Ignored or doubtful</h2><ul>
${notes}</ul>
<h2>Counters</h2><ul>
${counts}</ul>
${contact(settings.hostname, settings.adminAddress, settings.proxyInfoUrl)}`,
  );
}

function contact(...lines: readonly (string | undefined)[]): Html[] {
  return lines.flatMap((line) => (line === undefined ? [] : [html`<p>${line}</p>`]));
}

function requestPage(facts: RequestFacts): Answer {
  const head = [`${facts.method} http://${facts.url.authority}${facts.url.path} HTTP/1.1`];
  const lines = pairsOf(facts.headers).map((pair) => pair.join(': '));
  return pageAnswer(
    200,
    'OK',
    'Show-Request',
    html`<p>As it arrived:</p><pre>${[...head, ...lines].join('\n')}</pre>`,
  );
}

function urlInfoPage(query: string, facts: RequestFacts, context: Context): Answer {
  const asked = new URLSearchParams(query).get('url') ?? '';
  const form = html`<form action="/show-url-info"><input name="url" size="60" value="${asked}"><button>Look up</button></form>`;
  if (asked === '') return pageAnswer(200, 'OK', 'URL Info', form);
  const url = askedUrl(asked);
  if (url === undefined) return pageAnswer(200, 'OK', 'URL Info', html`${form}<p>This is no address.</p>`);
  try {
    return context.timeBox.run(() => explain(url, form, asked, facts, context));
  } catch (error) {
    if (!(error instanceof TimeBoxError)) throw error;
    return pageAnswer(200, 'OK', 'URL Info', html`${form}<p>The rules took too long over this address.</p>`);
  }
}

function explain(url: RequestUrl, form: Html, asked: string, facts: RequestFacts, context: Context): Answer {
  const decision = decide({ ...facts, method: 'GET', url, headers: [] }, context.rules);
  const route = chooseRoute(url, context.rules.settings.forwards, decision.actions);
  const matches: Html[] = decision.sections.map(
    (section) => html`<li>${fileName(section.file)}:${section.line}: <code>${section.source}</code></li>
`,
  );
  return pageAnswer(
    200,
    'OK',
    'URL Info',
    html`${form}
<h2>Forwarding settings</h2><p>Requests for <code>${asked}</code>: ${routeText(route)}.</p>
<h2>Verdict</h2><p>${decision.verdict.kind === 'block' ? `blocked: ${decision.verdict.reason}` : decision.verdict.kind}</p>
<h2>Matches</h2><ol>
${matches}</ol>
<h2>Final results</h2><pre>${decision.actions.describe().join('\n')}</pre>`,
  );
}

/** Privoxy's page takes addresses without a scheme too. */
function askedUrl(asked: string): RequestUrl | undefined {
  const secure = /^https:\/\//i.test(asked);
  const text = asked.replace(/^https:/i, 'http:');
  const parsed = parseAbsolute(/^http:\/\//i.test(text) ? text : `http://${text}`);
  if (parsed.kind !== 'url') return undefined;
  const { url } = parsed;
  return secure ? { ...url, scheme: 'connect', port: /:\d+$/.test(url.authority) ? url.port : 443 } : url;
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
