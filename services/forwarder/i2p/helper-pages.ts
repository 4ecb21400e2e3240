import { html } from '@allium/common/text/html.ts';
import type { Answer } from '../pages/answer.ts';
import { sitePage } from './site-pages.ts';

export interface NewNameFacts {
  readonly host: string;
  /** `http://host[:port]` of the page that was asked for */
  readonly origin: string;
  readonly nonce: string;
  /** the page under the Destination's own Base32 name */
  readonly once: string;
}

export function newNamePage(facts: NewNameFacts): Answer {
  return sitePage(
    409,
    'A new name',
    html`<p>The link says where <code>${facts.host}</code> is. This gateway does not know the name, and can't
tell whether the link is right. Trust it as far as you trust the page it was on.</p>
<p><a href="${facts.once}">Continue once</a>, without keeping the name.</p>
<form method="post" action="http://proxy.i2p/add"><input type="hidden" name="nonce" value="${facts.nonce}">
<button>Save the name</button> Only this workstation will know it.</form>`,
    { forms: `http://proxy.i2p ${facts.origin}` },
  );
}

export function conflictPage(host: string, known: string, offered: string): Answer {
  return sitePage(
    409,
    'Two destinations for one name',
    html`<p>The link gives another destination for <code>${host}</code> than the address book has.</p>
<ul><li><a href="${known}">Go to the destination of the address book</a></li>
<li><a href="${offered}">Go to the destination of the link, once</a></li></ul>`,
  );
}

export function badHelperPage(): Answer {
  return sitePage(404, 'Bad address helper', html`<p>The link names a destination that can't be read.</p>`);
}

export function staleOfferPage(): Answer {
  return sitePage(
    404,
    'Too late',
    html`<p>The question was answered already, or is too old. Follow the link again.</p>`,
  );
}

export function formTooLargePage(): Answer {
  return sitePage(
    413,
    'Request too large',
    html`<p>The form is over the limit, or did not arrive in time.</p>`,
  );
}

export function movedPage(location: string): Answer {
  return sitePage(301, 'Go on', html`<p><a href="${location}">Go on</a></p>`, {
    headers: ['Location', location],
  });
}

export function homePage(): Answer {
  return sitePage(
    200,
    'I2P proxy',
    html`<p>This is the gateway's own page. Sites are reached under their names, as in
<code>http://name.i2p/</code>, or under their Base32 names.</p>`,
  );
}

export function noSuchPage(): Answer {
  return sitePage(404, 'No such page', html`<p>The gateway has no page of this name.</p>`);
}
