import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import type { RequestUrl } from '../rules/request-url.ts';
import { base32Name, type Names } from './names.ts';

/** Questions to the user that wait for a click; the oldest make room. Each holds a URL of up to 16 kB. */
export const OFFERS_MAX = 256;

/** Milliseconds in which a question can be answered. */
export const OFFER_LIFETIME_MS = 10 * 60_000;

/** Bytes of the secret that binds a click to the page it is on. */
const NONCE_LENGTH = 18;
/** Characters of what a helper may carry: a Destination in Base64, or a Base32 name. */
const DESTINATION_MAX = 4_096;

const PARAMETER = 'i2paddresshelper';

/** Takes every `i2paddresshelper` out of a path with query; `undefined` when there is none. */
export function takeHelper(path: string): { readonly path: string; readonly values: string[] } | undefined {
  const mark = path.indexOf('?');
  if (mark < 0) return undefined;
  const values: string[] = [];
  const kept: string[] = [];
  for (const part of path.slice(mark + 1).split(/[&;]/)) {
    const equals = part.indexOf('=');
    const key = equals < 0 ? part : part.slice(0, equals);
    if (unescaped(key) !== PARAMETER) kept.push(part);
    else values.push(equals < 0 ? '' : (unescaped(part.slice(equals + 1)) ?? '?'));
  }
  if (values.length === 0) return undefined;
  const query = kept.join('&');
  return { path: path.slice(0, mark) + (query === '' ? '' : `?${query}`), values };
}

/** `undefined` for broken escapes. */
function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export type HelperVerdict =
  /** an empty helper, or one that says what is known: the URL without it is as good */
  | { readonly kind: 'known' }
  | { readonly kind: 'bad' }
  | { readonly kind: 'encrypted' }
  /** nobody knows the name yet; `once` leads there without keeping it */
  | { readonly kind: 'new'; readonly nonce: string; readonly once: string; readonly base32: string }
  /** the name stands for something else already */
  | { readonly kind: 'conflict'; readonly once: string };

interface Offer {
  readonly key: string;
  readonly host: string;
  readonly destination: string;
  readonly location: string;
  readonly until: number;
}

/**
 * Decides about links of the form `http://name.i2p/?i2paddresshelper=<destination>`. Anybody may put one
 * anywhere, so a name is only kept after a click on a page that no site can read or click in a frame, and for the
 * workstation that was asked.
 */
export class AddressHelpers {
  readonly #names: Names;
  readonly #random: RandomBytes;
  readonly #offers = new BoundedMap<string, Offer>(OFFERS_MAX);

  constructor(names: Names, random: RandomBytes) {
    this.#names = names;
    this.#random = random;
  }

  /** `url` is without the helper; `now` in milliseconds. */
  async judge(key: string, url: RequestUrl, values: readonly string[], now: number): Promise<HelperVerdict> {
    const [destination = ''] = values;
    if (values.some((other) => other !== destination)) return { kind: 'bad' };
    if (destination === '') return { kind: 'known' };
    if (destination.length > DESTINATION_MAX) return { kind: 'bad' };
    const compared = await this.#names.compare(key, url.host, destination);
    switch (compared.kind) {
      case 'known':
      case 'bad':
      case 'encrypted':
        return { kind: compared.kind };
      case 'conflict':
        return { kind: 'conflict', once: urlUnder(url, base32Name(compared.base32)) };
      case 'new': {
        const { base32 } = compared;
        const nonce = Buffer.from(this.#random(NONCE_LENGTH)).toString('base64url');
        const { host } = url;
        const location = urlUnder(url, host);
        this.#offers.set(nonce, { key, host, destination, location, until: now + OFFER_LIFETIME_MS });
        return { kind: 'new', nonce, once: urlUnder(url, base32Name(base32)), base32 };
      }
    }
  }

  /** Keeps the name that the nonce stands for and gives the URL to go on to. A nonce serves once, and one workstation. */
  async accept(key: string, nonce: string, now: number): Promise<string | undefined> {
    const offer = this.#offers.get(nonce);
    if (offer?.key !== key) return undefined;
    this.#offers.delete(nonce);
    if (now > offer.until) return undefined;
    return (await this.#names.learn(key, offer.host, offer.destination)) ? offer.location : undefined;
  }
}

/** The same resource under another host name. */
export function urlUnder(url: RequestUrl, host: string): string {
  return `http://${host}${url.port === 80 ? '' : `:${url.port}`}${url.path}`;
}
