import { html } from '@allium/common/text/html.ts';
import type { Page } from './pages.ts';

export interface NewNameFacts {
  readonly host: string;
  /** `http://host[:port]` of the page that was asked for */
  readonly origin: string;
  readonly nonce: string;
  /** the page under the destination's own Base32 name */
  readonly once: string;
}

export function newNamePage(facts: NewNameFacts): Page {
  return {
    status: 409,
    title: 'A new name',
    content: html`<p>The link says where <code>${facts.host}</code> is. This gateway does not know the name, and can't
tell whether the link is right. Trust it as far as you trust the page it was on.</p>
<p><a href="${facts.once}">Continue once</a>, without keeping the name.</p>
<form method="post" action="http://proxy.i2p/add"><input type="hidden" name="nonce" value="${facts.nonce}">
<button>Save for this session</button> The name is forgotten when the router restarts.</form>`,
    formTarget: facts.origin,
  };
}

export function conflictPage(host: string, known: string, offered: string): Page {
  return {
    status: 409,
    title: 'Two destinations for one name',
    content: html`<p>The link gives another destination for <code>${host}</code> than the address book has.</p>
<ul><li><a href="${known}">Go to the destination of the address book</a></li>
<li><a href="${offered}">Go to the destination of the link, once</a></li></ul>`,
  };
}

export function badHelperPage(): Page {
  return {
    status: 404,
    title: 'Bad address helper',
    content: html`<p>The link names a destination that can't be read.</p>`,
  };
}

export function staleOfferPage(): Page {
  return {
    status: 404,
    title: 'Too late',
    content: html`<p>The question was answered already, or is too old. Follow the link again.</p>`,
  };
}

export function movedPage(location: string): Page {
  return {
    status: 301,
    title: 'Go on',
    content: html`<p><a href="${location}">Go on</a></p>`,
    headers: ['Location', location],
  };
}

export function homePage(): Page {
  return {
    status: 200,
    title: 'I2P proxy',
    content: html`<p>This is the gateway's own page. Sites are reached under their names, as in
<code>http://name.i2p/</code>, or under their Base32 names.</p>`,
  };
}

export function noSuchPage(): Page {
  return { status: 404, title: 'No such page', content: html`<p>The gateway has no page of this name.</p>` };
}
