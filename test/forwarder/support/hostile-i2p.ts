import { randomBytes } from 'node:crypto';
import { html } from '@allium/common/text/html.ts';
import { AddressHelpers, takeHelper, urlUnder } from '../../../services/forwarder/i2p/address-helper.ts';
import { decideSite } from '../../../services/forwarder/i2p/decide.ts';
import { conflictPage, movedPage, newNamePage } from '../../../services/forwarder/i2p/helper-pages.ts';
import type { Names } from '../../../services/forwarder/i2p/names.ts';
import { base32Name } from '../../../services/forwarder/i2p/names.ts';
import { formAnswer, OWN_FORM_MAX, ownPage, wantsForm } from '../../../services/forwarder/i2p/own-pages.ts';
import { siteHeaders } from '../../../services/forwarder/i2p/request-headers.ts';
import { siteAnswerHead } from '../../../services/forwarder/i2p/response-headers.ts';
import {
  serviceAnswerHeaders,
  serviceRequestHeaders,
} from '../../../services/forwarder/i2p/server-headers.ts';
import { forbiddenPage, sitePage, unknownNamePage } from '../../../services/forwarder/i2p/site-pages.ts';
import type { RequestUrl } from '../../../services/forwarder/rules/request-url.ts';
import { AddressBook } from '../../../services/router/names/address-book.ts';
import { base32Of } from '../../../services/router/names/destination-text.ts';
import { headOf } from './hostile-head.ts';
import type { Table } from './hostile-table.ts';

const HERE: RequestUrl = { scheme: 'http', host: 'a.i2p', port: 80, path: '/', authority: 'a.i2p' };
/** Characters of a host; `parseAbsolute` and its like take no more. */
const HOST_MAX = 255;
const KEY = 'k';
const NOW = 1_000_000;
const book = new AddressBook();

/** The router's own address book, without a socket in between. */
const names: Names = {
  async resolve(key, name) {
    const found = book.resolve(key, name);
    return found.kind === 'found' ? { kind: 'found', base32: base32Of(found.hash) } : found;
  },
  compare: async (key, name, destination) => book.compare(key, name, destination),
  learn: async (key, name, destination) => book.learn(key, name, destination, NOW).learnt,
};
const helpers = new AddressHelpers(names, randomBytes);

function withPath(text: string): RequestUrl {
  return { ...HERE, path: `/${text}` };
}

const SITE = { method: 'GET', url: HERE, hostHeader: 'b.b32.i2p' } as const;
const VISITOR = { hash: 'h', b32: 'b.b32.i2p', base64: 'B' };

export const I2P: Table = {
  'forwarder/i2p/address-helper AddressHelpers.accept': ({ text }) => helpers.accept(text, text, NOW),
  'forwarder/i2p/address-helper AddressHelpers.judge': async ({ text }) => {
    await helpers.judge(KEY, withPath(text), [text], NOW);
    await helpers.judge(KEY, HERE, text.split('&'), NOW);
  },
  'forwarder/i2p/address-helper takeHelper': ({ text }) => takeHelper(`/?${text}`),
  'forwarder/i2p/address-helper urlUnder': ({ text }) => urlUnder(withPath(text), text),
  'forwarder/i2p/decide decideSite': async ({ text }) => {
    const about = { key: KEY, method: 'GET', headers: ['User-Agent', text, 'Origin', text] };
    await decideSite(
      { ...about, url: { ...HERE, path: `/?i2paddresshelper=${text}` } },
      { names, helpers },
      NOW,
    );
    await decideSite({ ...about, url: { ...HERE, host: text } }, { names, helpers }, NOW);
  },
  'forwarder/i2p/helper-pages conflictPage': ({ text }) => conflictPage(text, '', ''),
  'forwarder/i2p/helper-pages movedPage': ({ text }) => movedPage(text),
  'forwarder/i2p/helper-pages newNamePage': ({ text }) =>
    newNamePage({ host: '', origin: text, nonce: '', once: text }),
  'forwarder/i2p/names base32Name': ({ text }) => base32Name(text),
  'forwarder/i2p/own-pages formAnswer': ({ text }) =>
    formAnswer(
      { key: KEY, method: 'POST', url: HERE, headers: [] },
      text.slice(0, OWN_FORM_MAX),
      helpers,
      NOW,
    ),
  'forwarder/i2p/own-pages ownPage': ({ text }) => {
    ownPage({ key: KEY, method: 'GET', url: withPath(text), headers: [] });
    ownPage({ key: KEY, method: 'GET', url: HERE, headers: ['Origin', text, 'Referer', text] });
  },
  'forwarder/i2p/own-pages wantsForm': ({ text }) => wantsForm({ method: 'POST', url: withPath(text) }),
  'forwarder/i2p/request-headers siteHeaders': ({ text }) => {
    const names = ['Accept', 'Authorization', 'Connection', 'Origin', 'Referer', 'X-Requested-With'];
    siteHeaders({ ...SITE, headers: headOf(text, ...names) });
    siteHeaders({ ...SITE, headers: text.split(',') });
  },
  'forwarder/i2p/response-headers siteAnswerHead': ({ text }) => {
    siteAnswerHead(headOf(text, 'Content-Encoding', 'Connection', 'Set-Cookie'));
    const part = text.slice(0, text.length / 3);
    siteAnswerHead([
      'Set-Cookie',
      `${part}; domain=${part}; domain${part}`,
      'Content-Encoding',
      'x-i2p-gzip',
    ]);
  },
  'forwarder/i2p/server-headers serviceAnswerHeaders': ({ text }) => {
    serviceAnswerHeaders(['Connection', text, text, 'a']);
    serviceAnswerHeaders(text.split(','));
  },
  'forwarder/i2p/server-headers serviceRequestHeaders': ({ text }) => {
    const headers = ['Connection', text, text, 'a', ...text.split(',')];
    serviceRequestHeaders({ method: 'GET', headers, visitor: VISITOR, framing: { kind: 'none' } });
  },
  'forwarder/i2p/site-pages forbiddenPage': ({ text }) => forbiddenPage(text),
  'forwarder/i2p/site-pages methodPage': 'a list of ours',
  'forwarder/i2p/site-pages sitePage': ({ text }) => sitePage(404, '', html`${text}`),
  'forwarder/i2p/site-pages unknownNamePage': ({ text }) => unknownNamePage(text.slice(0, HOST_MAX)),
};
