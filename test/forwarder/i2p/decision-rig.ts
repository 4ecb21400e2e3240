import { toBase64 } from '@allium/common/bytes/text.ts';
import type { CompareAnswer, NameAnswer } from '@allium/common/contracts/names.ts';
import { AddressHelpers } from '../../../services/forwarder/i2p/address-helper.ts';
import { decideSite, type SiteDecision } from '../../../services/forwarder/i2p/decide.ts';
import type { Names } from '../../../services/forwarder/i2p/names.ts';
import { parseAbsolute, type RequestUrl } from '../../../services/forwarder/rules/request-url.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { compareNames, destinationOf, findName } from '../support/names-table.ts';

export const NOW = 1_000_000;
export const KEY = 'a'.repeat(32);
const known = destinationOf('decision, known');
const offered = destinationOf('decision, offered');
export const KNOWN = known.base32;
export const KNOWN_B32 = `${KNOWN}.b32.i2p`;
export const OFFERED_B32 = `${offered.base32}.b32.i2p`;
export const OFFERED = toBase64(offered.raw).replaceAll('=', '%3D');

/** Names as the router has them, in memory. */
class TableNames implements Names {
  readonly #hosts = new Map([['foo.i2p', KNOWN]]);
  readonly #learnt = new Map<string, string>();

  async resolve(key: string, name: string): Promise<NameAnswer> {
    return findName(name, this.#hosts.get(name) ?? this.#learnt.get(`${key} ${name}`));
  }

  async compare(key: string, name: string, destination: string): Promise<CompareAnswer> {
    return compareNames(await this.resolve(key, name), destination);
  }

  async learn(key: string, name: string, destination: string): Promise<boolean> {
    const compared = await this.compare(key, name, destination);
    if (compared.kind === 'new') this.#learnt.set(`${key} ${name}`, compared.base32);
    return compared.kind === 'new' || compared.kind === 'known';
  }
}

export function books(): { names: Names; helpers: AddressHelpers } {
  const names = new TableNames();
  return { names, helpers: new AddressHelpers(names, recordedEntropy('nonces')) };
}

export function urlOf(text: string): RequestUrl {
  const parsed = parseAbsolute(text);
  if (parsed.kind !== 'url') throw new Error(text);
  return parsed.url;
}

export function decide(
  url: string,
  method = 'GET',
  headers: string[] = [],
  with_ = books(),
): Promise<SiteDecision> {
  return decideSite({ key: KEY, method, url: urlOf(url), headers }, with_, NOW);
}

/** A status of ours, or the site and path that the request goes to. */
export function outcome(decision: SiteDecision): string | number {
  if (decision.kind === 'answer') return decision.answer.status;
  return decision.kind === 'own' ? 'own' : `${decision.base32}.b32.i2p${decision.path}`;
}

export function html(decision: SiteDecision): string {
  if (decision.kind !== 'answer') throw new Error(decision.kind);
  return Buffer.from(decision.answer.body).toString();
}
