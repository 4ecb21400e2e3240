import { toBase64 } from '@allium/common/bytes/text.ts';
import { AddressHelpers } from '../../../services/router/client/address-helper.ts';
import { decideRequest, type RequestDecision } from '../../../services/router/client/http-decision.ts';
import { Naming } from '../../../services/router/client/naming.ts';
import { renderPage } from '../../../services/router/client/pages.ts';
import { base32Name, targetHash } from '../../../services/router/client/target.ts';
import { createDestinationKeys } from '../../../services/router/wire/destination.ts';
import { recordedEntropy } from '../../support/entropy.ts';

export const NOW = 1_000_000;
export const known = createDestinationKeys(recordedEntropy('decision, known')).destination;
export const offered = createDestinationKeys(recordedEntropy('decision, offered')).destination;
export const KNOWN_B32 = base32Name(known.hash);
export const OFFERED_B32 = base32Name(offered.hash);
export const OFFERED = toBase64(offered.raw).replaceAll('=', '%3D');

export function books(): { naming: Naming; helpers: AddressHelpers } {
  const naming = new Naming(new Map([['foo.i2p', { destination: known }]]));
  return { naming, helpers: new AddressHelpers(naming, recordedEntropy('nonces')) };
}

export function decide(
  url: string,
  method = 'GET',
  headers: string[] = [],
  with_ = books(),
): RequestDecision {
  return decideRequest({ method, url, headers }, with_, NOW);
}

/** A status of ours, or the site and path that the request goes to. */
export function outcome(decision: RequestDecision): string | number {
  if (decision.kind === 'page') return decision.page.status;
  if (decision.kind === 'own') return 'own';
  return `${base32Name(targetHash(decision.target))}:${decision.url.port}${decision.url.path}`;
}

export function html(decision: RequestDecision): string {
  if (decision.kind !== 'page') throw new Error(decision.kind);
  return Buffer.from(renderPage(decision.page).body).toString();
}
