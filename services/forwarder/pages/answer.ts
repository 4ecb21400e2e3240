import { type Html, html } from '@allium/common/text/html.ts';

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
export const STALE = [
  ...['Cache-Control', 'no-store'],
  ...['Pragma', 'no-cache'],
  ...['Last-Modified', 'Wed, 08 Jun 1955 12:00:00 GMT'],
  ...['Expires', 'Sat, 17 Jun 2000 12:00:00 GMT'],
] as const;
/** No other site may use what the proxy itself answers, not even to see that it is there. */
export const SHUT = [
  ...['Cross-Origin-Resource-Policy', 'same-origin'],
  ...['X-Frame-Options', 'DENY'],
  ...['X-Content-Type-Options', 'nosniff'],
  ...['Referrer-Policy', 'no-referrer'],
] as const;
/** Where forms of the pages at p.p go. */
const OWN_FORMS = 'http://p.p http://config.privoxy.org';
const STYLE =
  'body{font:16px/1.5 sans-serif;max-width:50em;margin:3em auto;padding:0 1em;color:#222;background:#fff}' +
  'h1{font-size:1.4em}code,pre{word-break:break-all;white-space:pre-wrap}footer{color:#666;border-top:1px solid #ccc}';

export interface PageExtras {
  /** origins that forms on the page may lead to, redirects behind them included */
  readonly forms?: string;
  /** further headers, raw */
  readonly headers?: readonly string[];
}

/** A page of ours: nothing external, nothing cached, no script, no frame, no Referer to anyone. */
export function pageAnswer(
  status: number,
  phrase: string,
  title: string,
  content: Html,
  extras: PageExtras = {},
): Answer {
  const text = html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style></head>
<body><h1>${title}</h1>
${content}
<footer>Allium Gateway</footer></body></html>
`.text;
  const headers = [
    ...['Content-Type', 'text/html; charset=utf-8'],
    'Content-Security-Policy',
    `default-src 'none'; style-src 'unsafe-inline'; form-action ${extras.forms ?? OWN_FORMS}; frame-ancestors 'none'; base-uri 'none'`,
    ...SHUT,
    ...STALE,
    ...(extras.headers ?? []),
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
