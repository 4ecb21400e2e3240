import { equalBytes } from '@allium/common/bytes/compare.ts';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ByteReader } from '@allium/common/bytes/reader.ts';
import { apiVersion, netId, ntcp2Address, ntcp2StaticKeys } from '../wire/router-caps.ts';
import { decodeRouterInfo, type RouterInfo } from '../wire/router-info.ts';
import { BLOCK, readBlockHeader } from './blocks.ts';
import { ROUTER_INFO_AGE, ROUTER_INFO_FUTURE } from './limits.ts';
import { TERMINATION } from './termination.ts';
import type { CloseCode, Ntcp2Acceptance } from './types.ts';

export type Verdict =
  | { readonly kind: 'accepted'; readonly routerInfo: RouterInfo }
  /** without `reason` Bob closes silently, as he does for everything that could be an attacker's probe */
  | { readonly kind: 'refused'; readonly code: CloseCode; readonly reason?: number };

/**
 * Bob's checks of message 3 part 2, with the reasons that i2pd gives. An old RouterInfo is "message 3 error", a bad
 * or incomplete one "signature verification failure", a static key of somebody else ends in silence.
 */
export function checkConfirmed(
  payload: Uint8Array,
  found: { readonly staticKey: Uint8Array; readonly skewed: boolean },
  context: { readonly now: number; readonly netId: number; readonly acceptance: Ntcp2Acceptance },
): Verdict {
  const bytes = routerInfoBytes(payload);
  if (!bytes) return { kind: 'refused', code: 'format' };
  const routerInfo = decodedOrUndefined(bytes);
  if (!routerInfo || !isComplete(routerInfo, context.netId))
    return refused('router-info', TERMINATION.routerInfo);
  if (found.skewed) return refused('skew', TERMINATION.skew);
  const age = context.now - routerInfo.published;
  if (age > ROUTER_INFO_AGE || age < -ROUTER_INFO_FUTURE) return refused('router-info', TERMINATION.message3);
  if (!ntcp2StaticKeys(routerInfo).some((key) => equalBytes(key, found.staticKey))) {
    return { kind: 'refused', code: 'router-info' };
  }
  if (isElsewhere(routerInfo, context.acceptance.remoteHost)) return refused('refused', TERMINATION.banned);
  if (context.acceptance.refuses?.(routerInfo)) return refused('refused', TERMINATION.banned);
  return { kind: 'accepted', routerInfo };
}

function refused(code: CloseCode, reason: number): Verdict {
  return { kind: 'refused', code, reason };
}

/** RouterInfo, then Options if any, then Padding if any; nothing else is allowed here. */
function routerInfoBytes(payload: Uint8Array): Uint8Array | undefined {
  const order: readonly number[] = [BLOCK.routerInfo, BLOCK.options, BLOCK.padding];
  const input = new ByteReader(payload, 'SessionConfirmed');
  let found: Uint8Array | undefined;
  let allowed = 0;
  while (input.remaining > 0) {
    const header = readBlockHeader(input);
    const place = header ? order.indexOf(header.type, allowed) : -1;
    if (!header || place < 0) return undefined;
    if (place > 0 && !found) return undefined;
    const data = input.bytes(header.length);
    if (place === 0) found = data.subarray(1);
    allowed = place + 1;
  }
  return found;
}

function decodedOrUndefined(bytes: Uint8Array): RouterInfo | undefined {
  try {
    return decodeRouterInfo(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function isComplete(info: RouterInfo, expectedNetId: number): boolean {
  return netId(info) === expectedNetId && apiVersion(info) !== '' && info.addresses.length > 0;
}

/** The peer publishes addresses of the family it came from, and came from none of them. */
function isElsewhere(info: RouterInfo, remoteHost: string | undefined): boolean {
  if (remoteHost === undefined) return false;
  const family = remoteHost.includes(':') ? 6 : 4;
  const published = ntcp2Address(info).filter((address) => address.family === family);
  return published.length > 0 && !published.some((address) => address.host === remoteHost);
}
