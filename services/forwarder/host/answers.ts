import { type Html, html } from '@allium/common/text/html.ts';
import type { UpstreamFacts } from './upstream-error.ts';

/** A whole answer of our own. */
export interface Answer {
  readonly status: number;
  /** reason phrase, as Privoxy's where it has one */
  readonly phrase: string;
  /** raw; without Content-Length */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** Privoxy closes the connection behind these */
  readonly close: boolean;
}

/** Privoxy's fixed dates: an answer of the proxy is never fresh. It has no Date: the clock is nobody's business. */
const STALE = [
  ...['Cache-Control', 'no-cache'],
  ...['Pragma', 'no-cache'],
  ...['Last-Modified', 'Wed, 08 Jun 1955 12:00:00 GMT'],
  ...['Expires', 'Sat, 17 Jun 2000 12:00:00 GMT'],
] as const;
/** No other site may use what the proxy itself answers, not even to see that it is there. */
const SHUT = [
  ...['Cross-Origin-Resource-Policy', 'same-origin'],
  ...['X-Frame-Options', 'DENY'],
  ...['X-Content-Type-Options', 'nosniff'],
  ...['Referrer-Policy', 'no-referrer'],
] as const;
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; form-action http://p.p http://config.privoxy.org; frame-ancestors 'none'; base-uri 'none'";
const STYLE =
  'body{font:16px/1.5 sans-serif;max-width:50em;margin:3em auto;padding:0 1em;color:#222;background:#fff}' +
  'h1{font-size:1.4em}code,pre{word-break:break-all;white-space:pre-wrap}footer{color:#666;border-top:1px solid #ccc}';

export function pageAnswer(status: number, phrase: string, title: string, content: Html): Answer {
  const text = html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style></head>
<body><h1>${title}</h1>
${content}
<footer>Allium Gateway</footer></body></html>
`.text;
  const headers = [
    'Content-Type',
    'text/html; charset=utf-8',
    'Content-Security-Policy',
    POLICY,
    ...SHUT,
    ...STALE,
  ];
  return { status, phrase, headers, body: Buffer.from(text), close: false };
}

export function textAnswer(status: number, phrase: string, text: string, close = true): Answer {
  return {
    status,
    phrase,
    headers: ['Content-Type', 'text/plain', ...SHUT],
    body: Buffer.from(`${text}\n`),
    close,
  };
}

export const INVALID_HEADER = textAnswer(
  400,
  'Invalid header received from client',
  'Invalid header received from client.',
);
export const TOO_LARGE = textAnswer(
  431,
  'Request Header Fields Too Large',
  'The request is over the limits.',
);
export const URI_TOO_LONG = textAnswer(414, 'URI Too Long', 'The address is over the limit.');
export const TOO_MANY = textAnswer(
  503,
  'Too many open connections',
  'Maximum number of open connections reached.',
);
export const SLOW_CLIENT = textAnswer(504, 'Connection timeout', 'The request did not arrive in time.');
export const EXPECTATION = textAnswer(417, 'Expecting too much', 'An unsupported Expect header value.');
export const NOT_IMPLEMENTED: Answer = {
  status: 501,
  phrase: 'Not Implemented',
  headers: [...STALE],
  body: new Uint8Array(),
  close: false,
};

export function unsupportedScheme(scheme: 'ftp' | 'gopher'): Answer {
  const name = scheme === 'ftp' ? 'FTP' : 'gopher';
  return textAnswer(
    400,
    'Invalid request received from client',
    `Invalid request. There is no support for ${name}.`,
  );
}

export function redirectAnswer(location: string): Answer {
  return {
    status: 302,
    phrase: 'Local Redirect from Privoxy',
    headers: ['Location', location, ...SHUT],
    body: new Uint8Array(),
    close: false,
  };
}

export function blockedAnswer(reason: string): Answer {
  return pageAnswer(
    403,
    'Request blocked by Privoxy',
    'Request blocked',
    html`<p>A rule of the configuration blocks this address: ${reason === '' ? 'no reason given' : reason}</p>
<p>The rules that come with Privoxy take names and paths that look like advertisements, on I2P as anywhere.
<code>http://p.p/show-url-info</code> tells which one it was.</p>`,
  );
}

export function portAnswer(): Answer {
  return pageAnswer(
    403,
    'Request blocked by Privoxy',
    'Port not open',
    html`<p>CONNECT is not open to this port (<code>limit-connect</code>).</p>`,
  );
}

export function noRouteAnswer(): Answer {
  return pageAnswer(
    403,
    'No way to this site',
    'No way to this site',
    html`<p>No <code>forward</code> rule takes this address, and nothing is ever reached directly from here.</p>`,
  );
}

export function unsafePatternAnswer(): Answer {
  return pageAnswer(
    403,
    'Request blocked by Privoxy',
    'Request blocked',
    html`<p>The rules of the configuration took too long over this address.</p>`,
  );
}

export function upstreamAnswer(failure: UpstreamFacts): Answer {
  switch (failure.code) {
    case 'connect':
      return page(503, 'Connect failed', 'The parent proxy could not be reached.');
    case 'socks':
      return page(
        503,
        'Forwarding failure',
        `The SOCKS parent could not open the stream: ${failure.reason}.`,
      );
    case 'timeout':
      return page(504, 'Connection timeout', 'No answer came in time.');
    case 'closed':
      return page(
        502,
        'No server or forwarder data received',
        'The connection was closed without an answer.',
      );
    case 'invalid':
      return textAnswer(
        502,
        'Server or forwarder response invalid',
        "Bad response. The server or forwarder response doesn't look like HTTP.",
      );
  }
}

function page(status: number, phrase: string, why: string): Answer {
  return pageAnswer(status, phrase, phrase, html`<p>${why}</p>`);
}
