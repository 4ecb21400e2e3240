import { html } from '@allium/common/text/html.ts';
import { AnswerReader } from '../../../services/forwarder/http/answer-head.ts';
import { BodyDecoder } from '../../../services/forwarder/http/body-decoder.ts';
import { encodeBody, headText } from '../../../services/forwarder/http/encode.ts';
import { answerFraming, CHUNKED, requestFraming } from '../../../services/forwarder/http/framing.ts';
import { HeadLines } from '../../../services/forwarder/http/head-lines.ts';
import { RequestReader } from '../../../services/forwarder/http/request-head.ts';
import { addTokens, trimBlanks } from '../../../services/forwarder/http/text.ts';
import { pageAnswer, textAnswer } from '../../../services/forwarder/pages/answer.ts';
import { limitedCookie, sessionCookie } from '../../../services/forwarder/rewrite/cookies.ts';
import { parseHttpDate } from '../../../services/forwarder/rewrite/dates.ts';
import { crunchHeaders, filterHeaders } from '../../../services/forwarder/rewrite/header-filters.ts';
import { endsHere } from '../../../services/forwarder/rewrite/hop-by-hop.ts';
import { hiddenReferer, namesOtherI2pSite } from '../../../services/forwarder/rewrite/referer.ts';
import { requestHeaders } from '../../../services/forwarder/rewrite/request-headers.ts';
import { responseHeaders } from '../../../services/forwarder/rewrite/response-headers.ts';
import { chooseRoute, isForbidden } from '../../../services/forwarder/route/choose.ts';
import { permitted } from '../../../services/forwarder/rules/access.ts';
import { decide, type RequestFacts, variablesOf } from '../../../services/forwarder/rules/decide.ts';
import { fastRedirect } from '../../../services/forwarder/rules/fast-redirect.ts';
import { matches, matchesUrl, urlSubject } from '../../../services/forwarder/rules/match-url.ts';
import { hasHeader, pairsOf, valuesOf } from '../../../services/forwarder/rules/raw-headers.ts';
import {
  absoluteUrl,
  isI2pHost,
  parseAbsolute,
  parseConnect,
  parseOrigin,
  type RequestUrl,
} from '../../../services/forwarder/rules/request-url.ts';
import { substitute } from '../../../services/forwarder/rules/substitute.ts';
import { headOf } from './hostile-head.ts';
import { hostileRules } from './hostile-rules.ts';
import type { Streams, Table } from './hostile-table.ts';

/** Over these nothing is refused, so that all of a text is read. */
const LIMITS = { bytes: 1 << 20, firstLine: 1 << 20, headers: 1 << 16 };
/** Characters of a host; `parseAbsolute` and its like take no more. */
const HOST_MAX = 255;
const NOW = Date.UTC(2026, 10, 24);

const rules = hostileRules();
const patterns = rules.sections.flatMap((section) => section.patterns).filter((it) => it.kind !== 'tag');
const [filter] = rules.filters.values();
const HERE: RequestUrl = { scheme: 'http', host: 'a.i2p', port: 80, path: '/', authority: 'a.i2p' };
const actions = decide(factsOf(HERE, []), rules).actions;

/** An address with as much of `text` in it as an address can have. */
function urlOf(text: string): RequestUrl {
  const host = text.slice(0, HOST_MAX).toLowerCase();
  return { scheme: 'http', host, port: 80, path: `/${text}`, authority: host };
}

function cookieOf(text: string): string {
  const part = text.slice(0, text.length / 3);
  return `a=b; ${part}; max-age${part}; expires=${part}`;
}

function factsOf(url: RequestUrl, headers: readonly string[]): RequestFacts {
  return { method: 'GET', url, headers, origin: '10.0.0.2', listenAddress: '10.0.0.1' };
}

const WAYS = { framing: { kind: 'none' }, toProxy: true, now: NOW, random: 0.5 } as const;
const REQUEST_LINE = Buffer.from('GET / HTTP/1.1\r\nA: ');
const STATUS_LINE = Buffer.from('HTTP/1.1 200 OK\r\nA: ');
const END = Buffer.from('\r\n\r\n');

/** What reads HTTP, and what is decided about it. */
export const HTTP: Table = {
  'forwarder/http/answer-head AnswerReader.constructor': 'a method that was read',
  'forwarder/http/answer-head AnswerReader.push': ({ bytes }) => {
    for (const front of [Buffer.alloc(0), STATUS_LINE, Buffer.from('HTTP/1.1 200')]) {
      const reader = new AnswerReader('GET', LIMITS);
      for (const part of [front, bytes, END]) reader.push(part);
    }
  },
  'forwarder/http/body-decoder BodyDecoder.push': ({ bytes }) => {
    for (const front of ['', '5', '0\r\n']) {
      const decoder = new BodyDecoder(CHUNKED, false);
      decoder.push(Buffer.from(front), []);
      decoder.push(bytes, []);
    }
  },
  'forwarder/http/encode encodeBody': ({ bytes }) => encodeBody([bytes, bytes], 'chunked'),
  'forwarder/http/encode headText': ({ text }) => headText(text, ['A', text]),
  'forwarder/http/framing answerFraming': ({ text }) => {
    answerFraming({ lengths: [text], codings: undefined });
    answerFraming({ lengths: [], codings: text.split(',') });
  },
  'forwarder/http/framing requestFraming': ({ text }) => {
    requestFraming({ lengths: [text], codings: undefined }, 1);
    requestFraming({ lengths: [], codings: text.split(',') }, 1);
  },
  'forwarder/http/head-lines HeadLines.feed': ({ bytes }) => {
    for (const strict of [true, false]) {
      const lines = new HeadLines(strict, LIMITS);
      lines.feed(bytes);
      for (let line = lines.next(); line !== undefined; line = lines.next()) lines.endFirstLine();
    }
  },
  'forwarder/http/request-head RequestReader.push': ({ bytes }) => {
    for (const front of [Buffer.alloc(0), REQUEST_LINE, Buffer.from('GET ')]) {
      const reader = new RequestReader(LIMITS);
      for (const part of [front, bytes, END]) reader.push(part);
    }
  },
  'forwarder/http/text addTokens': ({ text }) => addTokens(text, []),
  'forwarder/http/text trimBlanks': ({ text }) => trimBlanks(text),
  'forwarder/pages/answer pageAnswer': ({ text }) => pageAnswer(200, 'OK', '', html`${text}`),
  'forwarder/pages/answer textAnswer': ({ text }) => textAnswer(200, 'OK', text),
  'forwarder/rewrite/cookies limitedCookie': ({ text }) => limitedCookie(cookieOf(text), 60, NOW),
  'forwarder/rewrite/cookies sessionCookie': ({ text }) => sessionCookie(cookieOf(text), NOW),
  'forwarder/rewrite/dates parseHttpDate': ({ text }) => parseHttpDate(text),
  'forwarder/rewrite/header-filters crunchHeaders': ({ text }) => crunchHeaders([['A', text]], 'x-gone'),
  'forwarder/rewrite/header-filters filterHeaders': ({ text }) => {
    filterHeaders('client-header-filter', [['A', text]], actions, rules, factsOf(HERE, []));
  },
  'forwarder/rewrite/hop-by-hop endsHere': ({ text }) => endsHere(['Connection', text])('a'),
  'forwarder/rewrite/referer hiddenReferer': ({ text }) => hiddenReferer(text, HERE, 'conditional-forge'),
  'forwarder/rewrite/referer namesOtherI2pSite': ({ text }) => namesOtherI2pSite(text, HERE),
  'forwarder/rewrite/request-headers requestHeaders': ({ text }) => {
    const names = ['A', 'Connection', 'Cookie', 'If-Modified-Since', 'Max-Forwards', 'Origin', 'Referer'];
    requestHeaders({ ...factsOf(HERE, headOf(text, ...names)), ...WAYS }, actions, rules);
  },
  'forwarder/rewrite/response-headers responseHeaders': ({ text }) => {
    const request = factsOf(HERE, []);
    const headers = headOf(text, 'A', 'Connection', 'Last-Modified', 'Set-Cookie');
    responseHeaders({ request, headers, now: NOW, random: 0.5 }, actions, rules);
  },
  'forwarder/route/choose chooseRoute': ({ text }) =>
    chooseRoute(urlOf(text), rules.settings.forwards, actions),
  'forwarder/route/choose isForbidden': ({ text }) =>
    rules.settings.forwards.some(({ way }) => isForbidden(way, urlOf(text))),
  'forwarder/route/choose routeText': 'a way of the configuration',
  'forwarder/route/lint lintAccess': 'settings of the configuration',
  'forwarder/route/lint lintForwards': 'rules of the configuration',
  'forwarder/route/lint lintRouter': 'settings of the configuration',
  'forwarder/rules/access permitted': ({ text }) =>
    permitted(rules.settings.access, { host: text, port: 1 }, { host: text, port: 2 }),
  'forwarder/rules/actions ActionSet.apply': 'a change of the configuration',
  'forwarder/rules/actions ActionSet.has': 'a name of ours',
  'forwarder/rules/actions ActionSet.value': 'a name of ours',
  'forwarder/rules/actions ActionSet.values': 'a name of ours',
  'forwarder/rules/decide decide': ({ text }) => {
    decide(factsOf(urlOf(text), []), rules);
    decide(factsOf({ ...urlOf(text), scheme: 'connect', path: '/' }, []), rules);
    decide(factsOf(HERE, ['A', text]), rules);
  },
  'forwarder/rules/decide variablesOf': ({ text }) => variablesOf(factsOf(urlOf(text), [])),
  'forwarder/rules/fast-redirect fastRedirect': ({ text }) => fastRedirect(text, 'check-decoded-url'),
  'forwarder/rules/match-url matches': ({ text }) => {
    const subject = urlSubject(urlOf(text));
    for (const pattern of patterns) matches(pattern, subject);
  },
  'forwarder/rules/match-url matchesUrl': ({ text }) => {
    for (const pattern of patterns) matchesUrl(pattern, urlOf(text));
  },
  'forwarder/rules/match-url urlSubject': ({ text }) => urlSubject(urlOf(text)).path.small,
  'forwarder/rules/pattern-index PatternIndex.constructor': 'sections of the configuration',
  'forwarder/rules/pattern-index PatternIndex.forTags': ({ text }) => rules.index.forTags([text]),
  'forwarder/rules/pattern-index PatternIndex.forUrl': ({ text }) => rules.index.forUrl(urlOf(text)),
  'forwarder/rules/rules createRules': 'the configuration',
  'forwarder/rules/rules filterKey': 'a name of the configuration',
  'forwarder/rules/raw-headers hasHeader': ({ text }) => hasHeader(text.split(','), 'a'),
  'forwarder/rules/raw-headers pairsOf': ({ text }) => pairsOf(text.split(',')),
  'forwarder/rules/raw-headers valuesOf': ({ text }) => valuesOf(text.split(','), 'a'),
  'forwarder/rules/request-url absoluteUrl': ({ text }) => absoluteUrl(urlOf(text)),
  'forwarder/rules/request-url isI2pHost': ({ text }) => isI2pHost(text),
  // Over 16 kB they refuse: so that what is read is as long as can be, less is given.
  'forwarder/rules/request-url parseAbsolute': ({ text }) => {
    for (const front of ['', 'http://']) parseAbsolute(`${front}${text.slice(0, text.length / 4)}`);
  },
  'forwarder/rules/request-url parseConnect': ({ text }) => parseConnect(text.slice(0, text.length / 4)),
  'forwarder/rules/request-url parseOrigin': ({ text }) => {
    const part = text.slice(0, text.length / 4 - 1);
    parseOrigin(`/${part}`, 'a.i2p');
    parseOrigin('/', part);
  },
  'forwarder/rules/substitute substitute': ({ text }) => {
    for (const job of filter?.jobs ?? [])
      substitute(job, text.slice(0, text.length / 4), variablesOf(factsOf(HERE, [])));
  },
};

export const HTTP_STREAMS: Streams = {
  'forwarder/http/answer-head AnswerReader.push': () => {
    const reader = new AnswerReader('GET', LIMITS);
    reader.push(STATUS_LINE);
    return (piece) => reader.push(piece);
  },
  'forwarder/http/body-decoder BodyDecoder.push': () => {
    const decoder = new BodyDecoder(CHUNKED, false);
    return (piece) => decoder.push(piece, []);
  },
  'forwarder/http/head-lines HeadLines.feed': () => {
    const lines = new HeadLines(false, LIMITS);
    return (piece) => {
      lines.feed(piece);
      return lines.next();
    };
  },
  'forwarder/http/request-head RequestReader.push': () => {
    const reader = new RequestReader(LIMITS);
    reader.push(REQUEST_LINE);
    return (piece) => reader.push(piece);
  },
};
