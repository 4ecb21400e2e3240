import { type Html, html } from '@allium/common/text/html.ts';
import type { DialCode } from './dial-error.ts';
import type { Page } from './pages.ts';

/** Seconds after which a browser may ask again while tunnels are being built. */
const RETRY_AFTER_S = 30;

/** The four jump services that i2pd asks too; by Base32, so that no address book is needed. */
const JUMP_SERVICES = [
  ['reg.i2p', 'http://shx5vqsw7usdaunyzr2qmes2fq37oumybpudrd4jjj4e4vk4uusa.b32.i2p/jump/'],
  [
    'identiguy.i2p',
    'http://3mzmrus2oron5fxptw7hw2puho3bnqmw2hqy7nw64dsrrjwdilva.b32.i2p/cgi-bin/query?hostname=',
  ],
  ['stats.i2p', 'http://7tbay5p4kzeekxvyvbf6v7eauazemsnnl2aoyqhg5jzpr5eke7tq.b32.i2p/cgi-bin/jump.cgi?a='],
  ['notbob.i2p', 'http://nytzrhrjjfsutowojvxi7hphesskpqqr65wpistz6wa7cpajhp7a.b32.i2p/cgi-bin/jump.cgi?q='],
] as const;

export function unknownNamePage(name: string): Page {
  const links: Html[] = JUMP_SERVICES.map(
    ([service, prefix]) => html`<li><a href="${prefix}${encodeURIComponent(name)}">${service}</a></li>
`,
  );
  return {
    status: 404,
    title: 'Unknown name',
    content: html`<p>No address book of this gateway has <code>${name}</code>.</p>
<p>A jump service may know it. Whoever runs the service learns that somebody asked:</p>
<ul>
${links}</ul>`,
  };
}

export function malformedPage(why: string): Page {
  return { status: 400, title: 'Bad request', content: html`<p>${why}</p>` };
}

export function forbiddenPage(why: string): Page {
  return { status: 403, title: 'Not allowed', content: html`<p>${why}</p>` };
}

export function outsidePage(): Page {
  return {
    status: 403,
    title: 'Not an I2P site',
    content: html`<p>This port leads to I2P only. Other sites are reached through Tor, never from here.</p>`,
  };
}

export function localPage(): Page {
  return {
    status: 403,
    title: 'Not an I2P site',
    content: html`<p>Addresses of the machine itself, of its network, or of any other network are not reached
from here.</p>`,
  };
}

export function methodPage(allowed: readonly string[]): Page {
  return {
    status: 405,
    title: 'Method not allowed',
    content: html`<p>This proxy does not pass requests of this kind.</p>`,
    headers: ['Allow', allowed.join(', ')],
  };
}

export function tooLargePage(status: 413 | 414 | 431): Page {
  return {
    status,
    title: 'Request too large',
    content: html`<p>The request is over this proxy's limits.</p>`,
  };
}

export function slowRequestPage(): Page {
  return {
    status: 408,
    title: 'Request too slow',
    content: html`<p>The request did not arrive in time.</p>`,
  };
}

export function encryptedLeaseSetPage(): Page {
  return {
    status: 502,
    title: 'Unsupported encrypted LeaseSet',
    content: html`<p>The address is that of an encrypted LeaseSet. This gateway can't open those yet.</p>`,
  };
}

export function busyPage(): Page {
  return {
    status: 503,
    title: 'Too many requests',
    content: html`<p>The gateway has as many requests under way as it takes.</p>`,
    headers: ['Retry-After', String(RETRY_AFTER_S)],
  };
}

/** The site's stream was up, but what came was no answer. */
export function badAnswerPage(): Page {
  return {
    status: 502,
    title: 'No valid answer',
    content: html`<p>The site closed the stream, or answered with something that is not HTTP.</p>`,
  };
}

const DIAL_PAGES: Readonly<Record<DialCode, readonly [status: number, title: string, text: string]>> = {
  'not-ready': [503, 'Not ready yet', 'The router is still building its first tunnels. Try again shortly.'],
  'unknown-destination': [404, 'Unknown destination', 'No address book has this name.'],
  'lease-set-not-found': [504, 'Site not found', 'The network has no LeaseSet of the site: it is offline.'],
  'no-answer': [504, 'No answer', 'The site did not answer. It may be offline, or the path to it broken.'],
  refused: [502, 'Refused', 'The site refused the stream.'],
  reset: [502, 'Broken stream', 'The stream to the site broke.'],
  unsupported: [
    502,
    'Unsupported site',
    'The site uses a kind of address or encryption that is not supported.',
  ],
  timeout: [504, 'No answer in time', 'The site did not answer in time.'],
};

export function dialErrorPage(code: DialCode): Page {
  const [status, title, text] = DIAL_PAGES[code];
  const headers = code === 'not-ready' ? ['Retry-After', String(RETRY_AFTER_S)] : [];
  return { status, title, content: html`<p>${text}</p>`, headers };
}
