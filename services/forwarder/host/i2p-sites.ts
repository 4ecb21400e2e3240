import type { RandomBytes } from '@allium/common/core/random.ts';
import { AskError } from '@allium/common/unix-json/ask.ts';
import { AddressHelpers } from '../i2p/address-helper.ts';
import { decideSite } from '../i2p/decide.ts';
import { base32Name, type Names } from '../i2p/names.ts';
import { formAnswer, ownPage, wantsForm } from '../i2p/own-pages.ts';
import { siteHeaders } from '../i2p/request-headers.ts';
import { type SiteAnswerHead, siteAnswerHead } from '../i2p/response-headers.ts';
import { isLasting, refusalPage, routerGonePage } from '../i2p/site-pages.ts';
import type { Answer } from '../pages/answer.ts';
import type { RequestFacts } from '../rules/decide.ts';
import type { RawHeaders } from '../rules/raw-headers.ts';
import type { WorkstationKeys } from './keys.ts';
import { openSite, type SiteStream, StreamError } from './site-stream.ts';
import { openSiteWire, type SiteWire } from './site-wire.ts';

/** What a request to I2P needs beside what any other request does. */
export interface Site {
  readonly kind: 'site';
  /** request target in origin form, without address helpers */
  readonly path: string;
  /**
   * The whole head for the site, from the headers that the rules of the configuration left; their framing stands.
   * `Expect` is not passed on: the client gets its 100 here. Each request has a stream of its own and says close.
   */
  readonly headers: (kept: RawHeaders, upgrade?: string) => string[];
  /** Opens the stream for bytes that just pass; `early` travels with the SYN. */
  readonly dial: (early?: Uint8Array) => SiteStream;
  /** Opens the stream for one request. */
  readonly open: () => SiteWire;
  /** What a browser may have of the answer's head; to be called before the rules of the configuration. */
  readonly finishHead: (headers: RawHeaders) => SiteAnswerHead;
}

export type PreparedSite =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** the body is a form of ours: of `OWN_FORM_MAX` bytes at most, else `formTooLargePage` */
  | { readonly kind: 'form'; readonly answer: (form: string) => Promise<Answer> }
  | Site;

export interface I2pParts {
  /** path of the router's `streams.sock` */
  readonly streams: string;
  readonly names: Names;
  readonly keys: WorkstationKeys;
  readonly random: RandomBytes;
  /** milliseconds */
  readonly now: () => number;
}

/** Everything that HTTP to I2P needs; whoever moves the bytes knows no more of I2P than this. */
export class I2pSites {
  readonly #parts: I2pParts;
  readonly #helpers: AddressHelpers;

  constructor(parts: I2pParts) {
    this.#parts = parts;
    this.#helpers = new AddressHelpers(parts.names, parts.random);
  }

  /** What becomes of a request (CONNECT too) whose route is `i2p`. Never rejects: no answer of the router is a page. */
  async prepare(facts: RequestFacts): Promise<PreparedSite> {
    try {
      return await this.#prepare(facts);
    } catch (error) {
      if (!(error instanceof AskError)) throw error;
      return { kind: 'answer', answer: routerGonePage() };
    }
  }

  /** Opens a stream for a workstation; `host` is a name below .i2p. */
  dial(client: string, to: { readonly host: string; readonly port: number }, early?: Uint8Array): SiteStream {
    const key = this.#parts.keys.of(client);
    return openSite(this.#parts.streams, { key, ...to, ...(early === undefined ? {} : { early }) });
  }

  async #prepare(facts: RequestFacts): Promise<PreparedSite> {
    const { method, url, headers, origin } = facts;
    const { names, keys, now, streams } = this.#parts;
    const question = { key: keys.of(origin), method, url, headers };
    const decision = await decideSite(question, { names, helpers: this.#helpers }, now());
    switch (decision.kind) {
      case 'answer':
        return decision;
      case 'own':
        return wantsForm(question)
          ? { kind: 'form', answer: (form) => this.#answerForm(question, form) }
          : { kind: 'answer', answer: ownPage(question) };
      case 'site': {
        const host = base32Name(decision.base32);
        return {
          kind: 'site',
          path: decision.path,
          headers: (kept, upgrade) =>
            siteHeaders({ ...question, headers: kept, hostHeader: host, ...(upgrade ? { upgrade } : {}) }),
          dial: (early) => this.dial(origin, { host, port: url.port }, early),
          open: () => openSiteWire(streams, { key: question.key, host, port: url.port }),
          finishHead: siteAnswerHead,
        };
      }
    }
  }

  async #answerForm(question: Parameters<typeof formAnswer>[0], form: string): Promise<Answer> {
    try {
      return await formAnswer(question, form, this.#helpers, this.#parts.now());
    } catch (error) {
      if (!(error instanceof AskError)) throw error;
      return routerGonePage();
    }
  }
}

/** The page for a stream that could not be had; undefined when `error` says nothing of that. */
export function streamErrorPage(error: unknown): Answer | undefined {
  if (!(error instanceof StreamError)) return undefined;
  const { detail } = error;
  return detail.code === 'gone' ? routerGonePage() : refusalPage(detail.refusal);
}

/** Whether a port of a site may be remembered as one that nothing answers on. */
export function isLastingRefusal(error: unknown): boolean {
  return error instanceof StreamError && error.detail.code === 'refused' && isLasting(error.detail.refusal);
}
