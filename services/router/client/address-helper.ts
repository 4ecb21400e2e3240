import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import { type Naming, parseDestination } from './naming.ts';
import type { HttpTarget } from './request-target.ts';
import { base32Name, type StreamTarget, sameTarget, targetHash } from './target.ts';

/** Questions to the user that wait for a click; the oldest make room. Each holds a URL of up to 16 kB. */
export const OFFERS_MAX = 256;

/** Milliseconds in which a question can be answered. */
export const OFFER_LIFETIME_MS = 10 * 60_000;

/** Bytes of the secret that binds a click to the page it is on. */
const NONCE_LENGTH = 18;

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
  | { readonly kind: 'bad'; readonly why: 'bad' | 'encrypted LeaseSet' }
  /** nobody knows the name yet; `once` leads there without keeping it */
  | { readonly kind: 'new'; readonly nonce: string; readonly once: string; readonly offered: StreamTarget }
  /** the name stands for something else already */
  | { readonly kind: 'conflict'; readonly once: string };

interface Offer {
  readonly host: string;
  readonly target: StreamTarget;
  readonly location: string;
  readonly until: number;
}

/**
 * Decides about links of the form `http://name.i2p/?i2paddresshelper=<destination>`. Anybody may put one
 * anywhere, so a name is only kept after a click on a page that no site can read or click in a frame.
 */
export class AddressHelpers {
  readonly #naming: Naming;
  readonly #random: RandomBytes;
  readonly #offers = new BoundedMap<string, Offer>(OFFERS_MAX);

  constructor(naming: Naming, random: RandomBytes) {
    this.#naming = naming;
    this.#random = random;
  }

  /** `target` is the URL without the helper; `now` in milliseconds. */
  judge(target: HttpTarget, values: readonly string[], now: number): HelperVerdict {
    const [value = ''] = values;
    if (values.some((other) => other !== value)) return { kind: 'bad', why: 'bad' };
    if (value === '') return { kind: 'known' };
    const offered = parseDestination(value);
    if ('why' in offered) return { kind: 'bad', why: offered.why };
    const known = this.#naming.resolve(target.host);
    const once = urlOf(target, base32Name(targetHash(offered)));
    if (known.kind === 'found') {
      return sameTarget(known.target, offered) ? { kind: 'known' } : { kind: 'conflict', once };
    }
    if (known.kind !== 'unknown') return { kind: 'bad', why: 'bad' };
    const nonce = Buffer.from(this.#random(NONCE_LENGTH)).toString('base64url');
    const location = urlOf(target, target.host);
    this.#offers.set(nonce, { host: target.host, target: offered, location, until: now + OFFER_LIFETIME_MS });
    return { kind: 'new', nonce, once, offered };
  }

  /** Keeps the name that the nonce stands for and gives the URL to go on to. A nonce serves once. */
  accept(nonce: string, now: number): string | undefined {
    const offer = this.#offers.get(nonce);
    this.#offers.delete(nonce);
    if (offer === undefined || now > offer.until) return undefined;
    const known = this.#naming.resolve(offer.host);
    if (known.kind === 'found') return sameTarget(known.target, offer.target) ? offer.location : undefined;
    return this.#naming.learn(offer.host, offer.target) ? offer.location : undefined;
  }
}

/** The same resource under another host name. */
export function urlOf(target: HttpTarget, host: string): string {
  return `http://${host}${target.port === 80 ? '' : `:${target.port}`}${target.path}`;
}
