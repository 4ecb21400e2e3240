import { type Html, html } from '@allium/common/text/html.ts';

/** A page of the proxy's own, before it is written. */
export interface Page {
  readonly status: number;
  readonly title: string;
  readonly content: Html;
  /** further headers, raw */
  readonly headers?: readonly string[];
  /** `http://host[:port]` that a form on the page may end up at, besides proxy.i2p */
  readonly formTarget?: string;
}

export interface RenderedPage {
  readonly status: number;
  /** raw; Content-Length included */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

const STYLE =
  'body{font:16px/1.5 sans-serif;max-width:40em;margin:3em auto;padding:0 1em;color:#222;background:#fff}' +
  'h1{font-size:1.4em}code{word-break:break-all}footer{color:#666;border-top:1px solid #ccc;margin-top:2em}';

/** A whole answer: nothing external, nothing cached, no script, no frame, no Referer to anyone. */
export function renderPage(page: Page): RenderedPage {
  const text = html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${page.title}</title><style>${STYLE}</style></head>
<body><h1>${page.title}</h1>
${page.content}
<footer>Allium Gateway</footer></body></html>
`;
  const body = Buffer.from(text.text, 'utf8');
  const forms = page.formTarget === undefined ? 'http://proxy.i2p' : `http://proxy.i2p ${page.formTarget}`;
  return {
    status: page.status,
    headers: [
      ...['Content-Type', 'text/html; charset=utf-8'],
      ...['Content-Length', String(body.length)],
      ...['Cache-Control', 'no-store'],
      'Content-Security-Policy',
      `default-src 'none'; style-src 'unsafe-inline'; form-action ${forms}; frame-ancestors 'none'; base-uri 'none'`,
      ...['Referrer-Policy', 'no-referrer'],
      ...['X-Content-Type-Options', 'nosniff'],
      ...['X-Frame-Options', 'DENY'],
      ...['Cross-Origin-Resource-Policy', 'same-origin'],
      ...(page.headers ?? []),
    ],
    body,
  };
}
