/** One request of the differential rig. */
export interface Probe {
  readonly name: string;
  readonly bytes: string | readonly string[];
  /** how many answers the client waits for; 1 when absent */
  readonly answers?: number;
  /** what the parent answers; 200 with two bytes when absent */
  readonly answer?: string;
  /** published deviation: what we do instead, and why */
  readonly deviation?: {
    readonly why: string;
    readonly status: string;
    /** bytes that the parent gets from us */
    readonly upstream: string;
  };
}

const REFUSED = { status: '400', upstream: '' } as const;

function head(
  method: string,
  target: string,
  headers: readonly string[] = ['Host: a.i2p'],
  version = '1.1',
): string {
  return `${[`${method} ${target} HTTP/${version}`, ...headers].join('\r\n')}\r\n\r\n`;
}

function get(target: string, ...headers: readonly string[]): string {
  return head('GET', target, headers.length > 0 ? headers : ['Host: a.i2p']);
}

function post(framing: readonly string[], body: string): string {
  return head('POST', 'http://a.i2p/', ['Host: a.i2p', ...framing]) + body;
}

const DISAGREE = 'two readers could find different ends of the body (RFC 9112 6.3)';

const URL_FORMS: readonly Probe[] = [
  { name: 'plain', bytes: get('http://a.i2p/x') },
  { name: 'query', bytes: get('http://a.i2p/x?y=z&q=%20') },
  {
    name: 'no path',
    bytes: get('http://a.i2p'),
    deviation: { why: 'the empty path is written "/"', status: '200', upstream: get('http://a.i2p/') },
  },
  {
    name: 'fragment',
    bytes: get('http://a.i2p/x#top'),
    deviation: { why: 'a fragment is not for servers', status: '200', upstream: get('http://a.i2p/x') },
  },
  {
    name: 'user info',
    bytes: get('http://u:p@a.i2p/'),
    deviation: {
      why: 'user and password in addresses are not sent on',
      status: '200',
      upstream: get('http://a.i2p/'),
    },
  },
  { name: 'upper case', bytes: get('http://A.I2P/X', 'Host: A.I2P') },
  { name: 'port', bytes: get('http://a.i2p:8080/', 'Host: a.i2p:8080') },
  { name: 'default port written', bytes: get('http://a.i2p:80/', 'Host: a.i2p:80') },
  {
    name: 'upper case scheme',
    bytes: get('HTTP://a.i2p/x'),
    deviation: { why: 'the scheme is written in lower case', status: '200', upstream: get('http://a.i2p/x') },
  },
  { name: 'final dot', bytes: get('http://a.i2p./', 'Host: a.i2p.') },
  { name: 'https without CONNECT', bytes: get('https://a.i2p/') },
  { name: 'ftp', bytes: get('ftp://a.i2p/') },
  { name: 'gopher', bytes: get('gopher://a.i2p/') },
  {
    name: 'bytes above 0x7f',
    bytes: get('http://a.i2p/\xd1\x84?\xff'),
    deviation: {
      why: 'bytes above 0x7f in an address are percent-encoded',
      status: '200',
      upstream: get('http://a.i2p/%D1%84?%FF'),
    },
  },
  {
    name: 'bytes above 0x7f in a name',
    bytes: get('http://\xd1\x84.i2p/'),
    deviation: { why: 'a name is letters, digits, hyphens and underscores', ...REFUSED },
  },
  { name: 'origin form', bytes: get('/x') },
  { name: 'space', bytes: get('http://a.i2p/a b') },
  { name: 'port 99999', bytes: get('http://a.i2p:99999/') },
  { name: 'empty label', bytes: get('http://a..i2p/'), deviation: { why: 'no such name', ...REFUSED } },
];

const HOST: readonly Probe[] = [
  { name: 'no Host', bytes: head('GET', 'http://a.i2p/', ['Accept: */*']) },
  {
    name: 'other Host',
    bytes: get('http://a.i2p/', 'Host: b.i2p'),
    deviation: {
      why: 'Host says what the address says (RFC 9112 3.2.2)',
      status: '200',
      upstream: get('http://a.i2p/'),
    },
  },
  {
    name: 'two Hosts',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'Host: b.i2p'),
    deviation: { why: 'RFC 9112 3.2', ...REFUSED },
  },
  {
    name: 'Host in another case',
    bytes: get('http://a.i2p/', 'Host: A.I2P'),
    deviation: { why: 'Host says what the address says', status: '200', upstream: get('http://a.i2p/') },
  },
];

const VERSIONS: readonly Probe[] = [
  {
    name: 'HTTP/1.0',
    bytes: head('GET', 'http://a.i2p/', ['Host: a.i2p'], '1.0'),
    deviation: {
      why: 'a proxy sends its own version (RFC 9110 2.5)',
      status: '200',
      upstream: get('http://a.i2p/', 'Host: a.i2p', 'Connection: close'),
    },
  },
  {
    name: 'HTTP/1.0 keep-alive',
    bytes: head('GET', 'http://a.i2p/', ['Host: a.i2p', 'Connection: keep-alive'], '1.0'),
    deviation: {
      why: 'a proxy sends its own version',
      status: '200',
      upstream: get('http://a.i2p/', 'Host: a.i2p', 'Connection: keep-alive'),
    },
  },
  { name: 'HTTP/1.2', bytes: head('GET', 'http://a.i2p/', ['Host: a.i2p'], '1.2') },
  { name: 'HTTP/2 preface', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  { name: 'unknown method', bytes: head('FOO', 'http://a.i2p/') },
  {
    name: 'lower-case method',
    bytes: head('get', 'http://a.i2p/'),
    deviation: { why: 'methods have a case (RFC 9110 9.1)', ...REFUSED },
  },
  { name: 'PROPFIND', bytes: head('PROPFIND', 'http://a.i2p/', ['Host: a.i2p', 'Depth: 1']) },
  { name: 'VERSION-CONTROL', bytes: head('VERSION-CONTROL', 'http://a.i2p/') },
  {
    name: 'ACL',
    bytes: head('ACL', 'http://a.i2p/'),
    deviation: {
      why: 'methods of later WebDAV RFCs are known',
      status: '200',
      upstream: head('ACL', 'http://a.i2p/'),
    },
  },
  { name: 'OPTIONS *', bytes: head('OPTIONS', '*') },
  {
    name: 'HEAD',
    bytes: head('HEAD', 'http://a.i2p/'),
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
  },
];

const HOP_BY_HOP: readonly Probe[] = [
  {
    name: 'keep-alive headers',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'Connection: keep-alive', 'Proxy-Connection: keep-alive'),
  },
  {
    name: 'Keep-Alive',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'Connection: keep-alive', 'Keep-Alive: 3'),
    deviation: {
      why: 'Keep-Alive belongs to one connection',
      status: '200',
      upstream: get('http://a.i2p/', 'Host: a.i2p', 'Connection: keep-alive'),
    },
  },
  { name: 'close', bytes: get('http://a.i2p/', 'Host: a.i2p', 'Connection: close') },
  {
    name: 'Proxy-Authorization',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'Proxy-Authorization: Basic eDp5'),
  },
  {
    name: 'named in Connection',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'Connection: X-Foo', 'X-Foo: 1'),
    deviation: {
      why: 'headers named in Connection end here (RFC 9110 7.6.1)',
      status: '200',
      upstream: get('http://a.i2p/', 'Host: a.i2p', 'Connection: keep-alive'),
    },
  },
  {
    name: 'TE and Trailer',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'TE: trailers', 'Trailer: X'),
    deviation: {
      why: 'TE and Trailer belong to one connection',
      status: '200',
      upstream: get('http://a.i2p/'),
    },
  },
  {
    name: 'Upgrade to h2c',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'Connection: Upgrade', 'Upgrade: h2c'),
    deviation: {
      why: 'no upgrade but to WebSocket',
      status: '200',
      upstream: get('http://a.i2p/', 'Host: a.i2p', 'Connection: keep-alive'),
    },
  },
];

const SMUGGLING: readonly Probe[] = [
  { name: 'Content-Length', bytes: post(['Content-Length: 3'], 'abc') },
  { name: 'chunked', bytes: post(['Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n') },
  {
    name: 'CHUNKED',
    bytes: post(['Transfer-Encoding: CHUNKED'], '3\r\nabc\r\n0\r\n\r\n'),
    deviation: {
      why: 'the coding is written in lower case',
      status: '200',
      upstream: post(['Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n'),
    },
  },
  {
    name: 'Content-Length and chunked',
    bytes: post(['Content-Length: 3', 'Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n'),
    deviation: { why: DISAGREE, ...REFUSED },
  },
  {
    name: 'two lengths',
    bytes: post(['Content-Length: 3', 'Content-Length: 4'], 'abc'),
    deviation: { why: DISAGREE, ...REFUSED },
  },
  {
    name: 'the same length twice',
    bytes: post(['Content-Length: 3', 'Content-Length: 3'], 'abc'),
    deviation: { why: DISAGREE, ...REFUSED },
  },
  {
    name: 'length with plus',
    bytes: post(['Content-Length: +3'], 'abc'),
    deviation: { why: DISAGREE, ...REFUSED },
  },
  {
    name: 'length as list',
    bytes: post(['Content-Length: 3, 3'], 'abc'),
    deviation: { why: DISAGREE, ...REFUSED },
  },
  {
    name: 'negative length',
    bytes: post(['Content-Length: -1'], ''),
    deviation: { why: DISAGREE, ...REFUSED },
  },
  {
    name: 'chunks from HTTP/1.0',
    bytes: `${head('POST', 'http://a.i2p/', ['Host: a.i2p', 'Transfer-Encoding: chunked'], '1.0')}0\r\n\r\n`,
    deviation: { why: 'HTTP/1.0 knows no chunks (RFC 9112 6.1)', ...REFUSED },
  },
  {
    name: 'a control byte in a value',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'X-A: a\x01b'),
    deviation: { why: 'RFC 9110 5.5: no control bytes in a value', ...REFUSED },
  },
  {
    name: 'xchunked',
    bytes: post(['Transfer-Encoding: xchunked'], '0\r\n\r\n'),
    deviation: { why: DISAGREE, ...REFUSED },
  },
  {
    name: 'gzip, chunked',
    bytes: post(['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'),
    deviation: { why: DISAGREE, ...REFUSED },
  },
  {
    name: 'obs-fold',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'X-A: 1', ' 2'),
    deviation: { why: 'RFC 9112 5.2', ...REFUSED },
  },
  {
    name: 'no colon',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'nonsense'),
    deviation: { why: 'not a header', ...REFUSED },
  },
  {
    name: 'bare CR',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'X-A: 1\r2'),
    deviation: { why: 'RFC 9112 2.2', ...REFUSED },
  },
  {
    name: 'bare LF',
    bytes: 'GET http://a.i2p/ HTTP/1.1\nHost: a.i2p\n\n',
    deviation: { why: 'a line of a request ends with CRLF', ...REFUSED },
  },
  {
    name: 'blank before colon',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'X-A : 1'),
    deviation: { why: 'RFC 9112 5.1', ...REFUSED },
  },
];

const CONNECT: readonly Probe[] = [
  {
    name: 'CONNECT',
    bytes: head('CONNECT', 'a.i2p:443', ['Host: a.i2p:443', 'Proxy-Connection: keep-alive']),
  },
  {
    name: 'CONNECT refused by the parent',
    bytes: head('CONNECT', 'b.i2p:443', ['Host: b.i2p:443']),
    answer: 'HTTP/1.1 503 No\r\nContent-Length: 4\r\nConnection: close\r\n\r\nsoon',
  },
  {
    name: 'CONNECT without a port',
    bytes: head('CONNECT', 'a.i2p', ['Host: a.i2p']),
    deviation: {
      why: 'the port is written out',
      status: '200',
      upstream: head('CONNECT', 'a.i2p:443', ['Host: a.i2p']),
    },
  },
  { name: 'CONNECT without Host', bytes: head('CONNECT', 'a.i2p:443', ['User-Agent: x']) },
  { name: 'CONNECT to a port that an action closes', bytes: head('CONNECT', 'only443.i2p:8443') },
  {
    name: 'CONNECT to port 25',
    bytes: head('CONNECT', 'a.i2p:25', ['Host: a.i2p:25']),
    deviation: { why: 'our default for .i2p is limit-connect{80,443,1024-}', status: '403', upstream: '' },
  },
  {
    name: 'CONNECT to port 80, then HTTP',
    answers: 2,
    bytes: [
      head('CONNECT', 'a.i2p:80', ['Host: a.i2p:80']),
      'GET /x HTTP/1.1\r\nHost: a.i2p\r\nReferer: http://other.i2p/\r\n\r\n',
    ],
    deviation: {
      why: 'read as HTTP, so that header rules reach ws:// too',
      status: '200',
      upstream: get('http://a.i2p/x', 'Host: a.i2p'),
    },
  },
  { name: 'CONNECT, parent down', bytes: head('CONNECT', 'dead.i2p:443') },
];

const ERRORS: readonly Probe[] = [
  { name: 'parent down', bytes: get('http://dead.i2p/') },
  { name: 'SOCKS parent down', bytes: get('http://socks.i2p/') },
  { name: 'blocked', bytes: get('http://blocked.i2p/') },
  { name: 'redirected', bytes: get('http://moved.i2p/') },
  { name: 'answer without HTTP', bytes: get('http://a.i2p/'), answer: 'rubbish\r\n\r\n' },
  {
    name: 'parent closes',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'Connection: close'),
    answer: '',
  },
  {
    name: 'no rule',
    bytes: get('http://no.invalid/', 'Host: no.invalid'),
    deviation: { why: 'nothing is ever reached directly', status: '403', upstream: '' },
  },
  { name: 'Expect: nonsense', bytes: post(['Expect: nonsense', 'Content-Length: 0'], '') },
  { name: 'Expect: 100-continue', bytes: post(['Expect: 100-continue', 'Content-Length: 3'], '') },
  { name: 'TRACE that ends here', bytes: head('TRACE', 'http://a.i2p/', ['Host: a.i2p', 'Max-Forwards: 0']) },
  { name: 'TRACE that goes on', bytes: head('TRACE', 'http://a.i2p/', ['Host: a.i2p', 'Max-Forwards: 5']) },
  {
    name: 'OPTIONS that ends here',
    bytes: head('OPTIONS', 'http://a.i2p/', ['Host: a.i2p', 'Max-Forwards: 0']),
  },
];

const PAGES: readonly Probe[] = [
  { name: 'p.p', bytes: get('http://p.p/', 'Host: p.p') },
  { name: 'show-status', bytes: get('http://p.p/show-status', 'Host: p.p') },
  { name: 'show-request', bytes: get('http://config.privoxy.org/show-request', 'Host: config.privoxy.org') },
  { name: 'no such page', bytes: get('http://p.p/nosuch', 'Host: p.p') },
  { name: 'robots.txt', bytes: get('http://p.p./robots.txt', 'Host: p.p.') },
  {
    name: 'page for another site',
    bytes: get('http://p.p/robots.txt', 'Host: p.p', 'Referer: http://a.i2p/'),
    deviation: { why: 'sites must not see that the proxy is there', status: '403', upstream: '' },
  },
  {
    name: 'image for another site',
    bytes: get('http://p.p/send-banner?type=pattern', 'Host: p.p', 'Referer: http://a.i2p/'),
    deviation: { why: 'sites must not see that the proxy is there', status: '403', upstream: '' },
  },
  {
    name: 'POST to a page',
    bytes: head('POST', 'http://p.p/', ['Host: p.p', 'Content-Length: 0']),
    deviation: { why: 'nothing can be posted', status: '405', upstream: '' },
  },
];

const REWRITING: readonly Probe[] = [
  {
    name: 'header actions',
    bytes: get(
      'http://headers.i2p/x',
      ...['Host: headers.i2p', 'X-Foo: 1', 'From: me', 'X-Forwarded-For: 10.0.0.1', 'Via: v', 'Cookie: a=b'],
      ...['User-Agent: UA', 'Accept-Language: de'],
    ),
    deviation: {
      why: 'crunch-client-header finds a name in any case',
      status: '200',
      upstream: get(
        'http://headers.i2p/x',
        ...[
          'Host: headers.i2p',
          'Via: v',
          'Cookie: a=b',
          'User-Agent: Other/1',
          'Accept-Language: en',
          'X-Added: 1',
        ],
      ),
    },
  },
  {
    name: 'header crunched in its own case',
    bytes: get('http://exact.i2p/x', 'Host: exact.i2p', 'X-Foo: 1', 'X-Bar: X-Foo'),
  },
  {
    name: 'cookies crunched',
    bytes: get(
      'http://crunch.i2p/',
      'Host: crunch.i2p',
      'Cookie: a=b',
      'If-None-Match: "1"',
      'Accept-Encoding: gzip',
    ),
  },
  {
    name: 'Referer forged',
    bytes: get('http://forge.i2p/p', 'Host: forge.i2p', 'Referer: http://b.example/x'),
  },
  {
    name: 'Referer of another site',
    bytes: get('http://cond.i2p/p', 'Host: cond.i2p', 'Referer: http://b.i2p/x'),
  },
  {
    name: 'Referer of the same site',
    bytes: get('http://cond.i2p/p', 'Host: cond.i2p', 'Referer: http://cond.i2p/x?y'),
  },
  {
    name: 'Referer that only begins like the site',
    bytes: get('http://cond.i2p/p', 'Host: cond.i2p', 'Referer: http://cond.i2p.evil.example/x'),
    deviation: {
      why: 'hosts are compared whole',
      status: '200',
      upstream: get('http://cond.i2p/p', 'Host: cond.i2p'),
    },
  },
  {
    name: 'Referer of another I2P site, no action',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'Referer: http://b.i2p/x'),
    deviation: {
      why: 'I2P names do not travel from site to site',
      status: '200',
      upstream: get('http://a.i2p/'),
    },
  },
  {
    name: 'Referer of a clearnet site, no action',
    bytes: get('http://a.i2p/', 'Host: a.i2p', 'Referer: http://b.example/'),
  },
  { name: 'tag that blocks', bytes: get('http://a.i2p/tagged', 'Host: a.i2p') },
  {
    name: 'header filter',
    bytes: get('http://filter.i2p/', 'Host: filter.i2p', 'X-Secret: 1', 'X-Shown: yes'),
  },
  {
    name: 'added behind filters, crunched behind actions',
    bytes: get('http://late.i2p/', 'User-Agent: Mozilla/5.0', 'UA-Pixels: 640x480', 'X-Mozilla: 1'),
  },
  {
    name: 'header filter on Connection and Content-Length',
    bytes:
      head('POST', 'http://frame.i2p/', ['Host: frame.i2p', 'Connection: keep-alive', 'Content-Length: 2']) +
      'ok',
    deviation: {
      why: 'filters do not see how a message is framed',
      status: '200',
      upstream: `${head('POST', 'http://frame.i2p/', [
        'Host: frame.i2p',
        'Connection: keep-alive',
        'Content-Length: 2',
      ])}ok`,
    },
  },
  {
    name: 'what a replacement may say',
    bytes: get('http://marks.i2p/', 'Host: marks.i2p', 'X-A: bd', 'X-B: a]x', 'X-C: x;'),
  },
];

const MISC: readonly Probe[] = [
  {
    name: 'leading CRLF',
    bytes: `\r\n${get('http://a.i2p/')}`,
    deviation: {
      why: 'RFC 9112 2.2 wants one ignored; Privoxy closes',
      status: '200',
      upstream: get('http://a.i2p/'),
    },
  },
  { name: 'two pipelined', answers: 2, bytes: get('http://a.i2p/1') + get('http://a.i2p/2') },
  {
    name: 'WebSocket',
    bytes: get(
      'http://a.i2p/',
      'Host: a.i2p',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: x',
    ),
    answer: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  },
  {
    name: 'answer with chunks',
    bytes: get('http://a.i2p/'),
    answer: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  },
  { name: '304', bytes: get('http://a.i2p/'), answer: 'HTTP/1.1 304 Not Modified\r\n\r\n' },
  {
    name: 'answer with two lengths',
    bytes: get('http://a.i2p/'),
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok',
    deviation: {
      why: 'nobody can tell where the answer ends',
      status: '502',
      upstream: get('http://a.i2p/'),
    },
  },
];

export const PROBES: readonly Probe[] = [
  ...URL_FORMS,
  ...HOST,
  ...VERSIONS,
  ...HOP_BY_HOP,
  ...SMUGGLING,
  ...CONNECT,
  ...ERRORS,
  ...PAGES,
  ...REWRITING,
  ...MISC,
];

/** A port without a listener: tcpmux is long gone. */
export const NOBODY = 1;

/** What both proxies are configured with, for a recording parent on `port`. */
export function probeConfig(port: number): string {
  return `forward .i2p 127.0.0.1:${port}
forward dead.i2p 127.0.0.1:${NOBODY}
forward-socks5 socks.i2p 127.0.0.1:${NOBODY} .
keep-alive-timeout 5
tolerate-pipelining 1
socket-timeout 3
actionsfile probe.action
filterfile probe.filter
`;
}

export const PROBE_FILES = {
  'probe.action': `{{alias}}
+quiet = +hide-from-header{block} +change-x-forwarded-for{block}
{+client-header-tagger{target}}
/
{+block{a reason}}
blocked.i2p
TAG:^TAGGED$
{+redirect{http://elsewhere.i2p/}}
moved.i2p
{+limit-connect{443}}
only443.i2p
{+quiet +hide-user-agent{Other/1} +hide-accept-language{en} +crunch-client-header{x-foo} +add-header{X-Added: 1}}
headers.i2p
{+crunch-client-header{X-Foo}}
exact.i2p
{+crunch-outgoing-cookies +crunch-if-none-match +prevent-compression}
crunch.i2p
{+hide-referrer{forge}}
forge.i2p
{+hide-referrer{conditional-block}}
cond.i2p
{+client-header-filter{secret}}
filter.i2p
{+client-header-filter{late} +add-header{X-Late: 1} +hide-user-agent{Other/1} +crunch-client-header{Mozilla}}
late.i2p
{+client-header-filter{frame}}
frame.i2p
{+client-header-filter{marks}}
marks.i2p
`,
  'probe.filter': `CLIENT-HEADER-TAGGER: target Requests for /tagged
s@^GET http://[^/]*/tagged .*@TAGGED@
CLIENT-HEADER-FILTER: secret Two kinds of change
s@^X-Secret:.*@@i
s@^(X-Shown:) yes@$1 no@
CLIENT-HEADER-FILTER: late What is added comes behind filters
s@^X-Late: 1@X-Late: 2@
s@^Host:.*@Host: other.i2p@
CLIENT-HEADER-FILTER: frame Headers that say how a message is framed
s@^(Connection|Content-Length):.*@$1: close@
CLIENT-HEADER-FILTER: marks What a replacement may say
s@^X-A: (b)(c)?(d)$@X-A: $+$3\\x21\\t\\$1$&$2.@
s@[[:^alnum:]: -]$@]@
s@[]x]@y@g
`,
} as const;
