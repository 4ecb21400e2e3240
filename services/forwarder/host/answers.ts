import { html } from '@allium/common/text/html.ts';
import { type Answer, pageAnswer, SHUT, STALE, textAnswer } from '../pages/answer.ts';
import type { UpstreamFacts } from './upstream-error.ts';

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
