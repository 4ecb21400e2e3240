import type { StreamRefusal } from '@allium/common/contracts/streams.ts';
import { type Html, html } from '@allium/common/text/html.ts';
import { type Answer, type PageExtras, pageAnswer } from '../pages/answer.ts';

/** Seconds after which a browser may ask again while tunnels are being built. */
const RETRY_AFTER_S = 30;
const RETRY: PageExtras = { headers: ['Retry-After', String(RETRY_AFTER_S)] };

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

export function sitePage(status: number, title: string, content: Html, extras?: PageExtras): Answer {
  return pageAnswer(status, title, title, content, { forms: "'none'", ...extras });
}

export function unknownNamePage(name: string): Answer {
  const links: Html[] = JUMP_SERVICES.map(
    ([service, prefix]) => html`<li><a href="${prefix}${encodeURIComponent(name)}">${service}</a></li>
`,
  );
  return sitePage(
    404,
    'Unknown name',
    html`<p>No address book of this gateway has <code>${name}</code>.</p>
<p>A jump service may know it. Whoever runs the service learns that somebody asked:</p>
<ul>
${links}</ul>`,
  );
}

export function forbiddenPage(why: string): Answer {
  return sitePage(403, 'Not allowed', html`<p>${why}</p>`);
}

export function outsidePage(): Answer {
  return sitePage(
    403,
    'Not an I2P site',
    html`<p>The rule for this address leads to I2P only. Addresses of this machine, of its network or of any other network
are not reached that way.</p>`,
  );
}

export function methodPage(allowed: string): Answer {
  return sitePage(405, 'Method not allowed', html`<p>Requests of this kind are not passed on.</p>`, {
    headers: ['Allow', allowed],
  });
}

/** The router's sockets are not there, or don't answer. */
export function routerGonePage(): Answer {
  return sitePage(
    503,
    'The I2P router does not answer',
    html`<p>It is not running, or is just starting. Try again shortly.</p>`,
    RETRY,
  );
}

/** The stream was up, but what came was no answer. */
export function badAnswerPage(): Answer {
  return sitePage(
    502,
    'No valid answer',
    html`<p>The site closed the stream, or answered with something that is not HTTP.</p>`,
  );
}

const REFUSALS: Readonly<Record<StreamRefusal, readonly [status: number, title: string, text: string]>> = {
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
  'invalid-name': [403, 'Not allowed', 'This is no name that can be reached.'],
  encrypted: [
    502,
    'Unsupported encrypted LeaseSet',
    "The address is that of an encrypted LeaseSet. This gateway can't open those yet.",
  ],
  busy: [503, 'Too many streams', 'The router has as many streams open as it takes. Try again shortly.'],
};

/** Codes that say "not now": nothing about the site is learnt from them. */
const PASSING: ReadonlySet<StreamRefusal> = new Set(['not-ready', 'busy']);

/** Whether a refusal says something about the site, and not just about this moment. */
export function isLasting(code: StreamRefusal): boolean {
  return !PASSING.has(code);
}

export function refusalPage(code: StreamRefusal): Answer {
  const [status, title, text] = REFUSALS[code];
  return sitePage(status, title, html`<p>${text}</p>`, PASSING.has(code) ? RETRY : {});
}
