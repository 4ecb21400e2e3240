import { DECODE_CODES, DecodeError, GatewayError } from '@allium/common/bytes/errors.ts';
import { type RandomBytes, shuffled } from '@allium/common/core/random.ts';
import type { RouterHash } from '../wire/hash.ts';
import { decodeRouterInfo, type RouterInfo } from '../wire/router-info.ts';
import { unpackBundle } from './bundle.ts';
import type { ReseedServer } from './reseed-servers.ts';
import { decodeSu3, type SignerCertificate, SU3_CONTENT_RESEED, SU3_FILE_ZIP, verifySu3 } from './su3.ts';
import { MAX_STORED_AGE, type NetDbRules, refuseRouterInfo } from './validate.ts';

/** Bundles of so many different signers must agree to let us start: one liar must not choose all our peers. */
export const MIN_BUNDLES = 2;
/** Usable RouterInfos below which a reseed has failed. */
export const MIN_ROUTERS = 20;
/** RouterInfos taken from one bundle, at random: no server decides for the others by sending more. */
export const MAX_PER_BUNDLE = 150;
/** Entries of one bundle that may be no RouterInfos at all. */
export const MAX_DAMAGED = 16;
/** A bundle made longer ago than this (ms) is refused: the RouterInfos in it are no use, and old ones may be replayed. */
export const MAX_BUNDLE_AGE = 14 * 24 * 3_600_000;
/** A bundle may be from the future by so much (ms): our clock is coarse before the first peers. */
export const MAX_BUNDLE_FUTURE = 24 * 3_600_000;

export const RESEED_ERRORS = [
  /** the file is no SU3 reseed file or no ZIP */
  'format',
  /** no certificate of the signer that the file names, or not the server's signer */
  'signer',
  /** the signer's certificate is not valid now */
  'certificate-date',
  'signature',
  /** made too long ago, or in the future */
  'bundle-date',
  /** no RouterInfo in it is usable */
  'empty',
  /** fewer bundles than `MIN_BUNDLES` */
  'few-bundles',
  /** fewer routers than `MIN_ROUTERS` */
  'few-routers',
] as const;
export type ReseedErrorCode = (typeof RESEED_ERRORS)[number];

/** A reseed failed; `url` names the server unless it failed as a whole. */
export class ReseedError extends GatewayError<{ readonly code: ReseedErrorCode; readonly url?: string }> {
  constructor(code: ReseedErrorCode, url?: string, why?: string) {
    super(url === undefined ? { code } : { code, url }, `reseed: ${code}${why ? `: ${why}` : ''}`);
    this.name = 'ReseedError';
  }
}

/** Address of the bundle (Software Updates, "SU3 Reseed File"; the network ID since 0.9.42). */
export function bundleUrl(server: ReseedServer, netId: number): string {
  const url = new URL('i2pseeds.su3', server.url);
  if (url.protocol !== 'https:') throw new RangeError(`reseed server without TLS: ${server.url}`);
  url.searchParams.set('netid', String(netId));
  return url.href;
}

/**
 * All servers in the order in which they are to be asked: random, and alternating between signers, so that the first
 * answers come from different people.
 */
export function orderServers(servers: readonly ReseedServer[], random: RandomBytes): ReseedServer[] {
  const first: ReseedServer[] = [];
  const later: ReseedServer[] = [];
  const signers = new Set<string>();
  for (const server of shuffled(random, servers)) {
    (signers.has(server.signerId) ? later : first).push(server);
    signers.add(server.signerId);
  }
  return [...first, ...later];
}

export interface Bundle {
  readonly url: string;
  readonly signerId: string;
  /** usable ones only */
  readonly routerInfos: readonly RouterInfo[];
  /** entries left out, by reason: a decoder's code or a rule of the store */
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * What a server sent, verified: signature by the pinned certificate, dates, then every RouterInfo by its own
 * signature and the store's rules. Throws `ReseedError`; single bad RouterInfos are counted and left out.
 */
export function verifyBundle(
  bytes: Uint8Array,
  server: ReseedServer,
  certificates: readonly SignerCertificate[],
  rules: NetDbRules,
  now: number,
): Bundle {
  const { url } = server;
  const content = verifiedContent(bytes, server, certificates, now);
  const refused: Record<string, number> = {};
  const routerInfos: RouterInfo[] = [];
  readable(url, () => {
    let damaged = 0;
    for (const [name, file] of unpackBundle(content)) {
      const info = usable(name, file, rules, now);
      if (typeof info !== 'string') routerInfos.push(info);
      else refused[info] = (refused[info] ?? 0) + 1;
      if (isDamage(info) && ++damaged > MAX_DAMAGED)
        throw new ReseedError('format', url, 'damaged RouterInfos');
    }
  });
  if (routerInfos.length === 0) throw new ReseedError('empty', url);
  return { url, signerId: server.signerId, routerInfos, refused };
}

/**
 * The RouterInfos of several bundles, the newest of each router, in random order. Throws `ReseedError` when too few
 * signers or routers are left.
 */
export function combineBundles(
  bundles: readonly Bundle[],
  random: RandomBytes,
  limits: { readonly minBundles?: number; readonly minRouters?: number } = {},
): RouterInfo[] {
  const { minBundles = MIN_BUNDLES, minRouters = MIN_ROUTERS } = limits;
  const signers = new Set(bundles.map(({ signerId }) => signerId));
  if (signers.size < minBundles) throw new ReseedError('few-bundles');
  const newest = new Map<RouterHash, RouterInfo>();
  for (const { routerInfos } of bundles) {
    for (const info of shuffled(random, routerInfos).slice(0, MAX_PER_BUNDLE)) {
      const known = newest.get(info.hash);
      if (!known || info.published > known.published) newest.set(info.hash, info);
    }
  }
  if (newest.size < minRouters) throw new ReseedError('few-routers');
  return shuffled(random, [...newest.values()]);
}

function verifiedContent(
  bytes: Uint8Array,
  server: ReseedServer,
  certificates: readonly SignerCertificate[],
  now: number,
): Uint8Array {
  const { url, signerId } = server;
  const su3 = readable(url, () => decodeSu3(bytes));
  if (su3.contentType !== SU3_CONTENT_RESEED || su3.fileType !== SU3_FILE_ZIP) {
    throw new ReseedError('format', url, 'not a reseed file');
  }
  if (su3.signerId !== signerId) throw new ReseedError('signer', url, 'not the signer of this server');
  // a signer who renewed has two certificates for a while
  const verdicts = certificates
    .filter((certificate) => certificate.signerId === signerId)
    .map((certificate) => verifySu3(su3, certificate, now));
  if (!verdicts.includes('valid'))
    throw new ReseedError(verdicts.find((v) => v !== 'valid') ?? 'signer', url);
  const made = /^\d{1,12}$/.test(su3.version) ? Number(su3.version) * 1000 : Number.NaN;
  if (!(made >= now - MAX_BUNDLE_AGE && made <= now + MAX_BUNDLE_FUTURE)) {
    throw new ReseedError('bundle-date', url);
  }
  return su3.content;
}

/** A signer who packs files that are no RouterInfos is broken or hostile; old or foreign ones are nobody's fault. */
function isDamage(result: RouterInfo | string): boolean {
  return typeof result === 'string' && (result === 'name' || DECODE_CODES.some((code) => code === result));
}

/** The RouterInfo of an entry, or why it is left out. */
function usable(name: string, file: Uint8Array, rules: NetDbRules, now: number): RouterInfo | string {
  try {
    const info = decodeRouterInfo(file);
    if (name !== `routerInfo-${info.hash}.dat`) return 'name';
    return refuseRouterInfo(info, rules, now, MAX_STORED_AGE) ?? info;
  } catch (error) {
    if (error instanceof DecodeError) return error.code;
    throw error;
  }
}

function readable<T>(url: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) throw new ReseedError('format', url, error.message);
    throw error;
  }
}
