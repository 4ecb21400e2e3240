import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DecodeError, GatewayError } from '@allium/common/bytes/errors.ts';
import type { RandomBytes } from '@allium/common/core/random.ts';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import {
  type Bundle,
  combineBundles,
  MIN_BUNDLES,
  MIN_ROUTERS,
  orderServers,
  ReseedError,
  verifyBundle,
} from '../netdb/reseed.ts';
import { RESEED_SERVERS, type ReseedServer } from '../netdb/reseed-servers.ts';
import { decodeSu3, MAX_SU3_SIZE, readSignerCertificate, type SignerCertificate } from '../netdb/su3.ts';
import { MAX_STORED_AGE, type NetDbRules, refuseRouterInfo } from '../netdb/validate.ts';
import { decodeRouterInfo, ROUTER_INFO_MAX_SIZE, type RouterInfo } from '../wire/router-info.ts';
import { FetchFailure, fetchReseedBundle } from './reseed-fetch.ts';

/** Files of one folder that are read; a NetDB folder has a few thousand. */
const MAX_FILES = 20_000;
const CERTIFICATES = join(import.meta.dirname, '../netdb/certificates');

export interface ReseedParts {
  /** SU3 files, or folders of RouterInfos and SU3 files */
  readonly files: readonly string[];
  readonly servers: boolean;
  readonly rules: NetDbRules;
  readonly proxy: ListenAddress;
  readonly random: RandomBytes;
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** a step was made, for the terminal: bundles so far and wanted, or why one server failed (its code) */
  readonly progress: (step: {
    readonly got: number;
    readonly wanted: number;
    readonly failed?: string;
  }) => void;
}

export type ReseedFileFacts = { readonly code: 'reseed-file'; readonly file: string };
/** A file that the configuration names cannot be used. */
export class ReseedFileError extends GatewayError<ReseedFileFacts> {}

/**
 * RouterInfos to begin with: from the files that are configured and, where those hold too few that are of use now, from
 * servers too. Throws `ReseedError` and `ReseedFileError` when there is nothing else to go on with.
 */
export async function reseed(parts: ReseedParts): Promise<RouterInfo[]> {
  const certificates = readCertificates();
  const { found, failed } = readFiles(parts, certificates);
  if (found.length >= MIN_ROUTERS || (!parts.servers && found.length > 0)) return found;
  if (!parts.servers) {
    if (failed !== undefined) throw failed;
    return [];
  }
  const bundles = await askServers(parts, certificates);
  try {
    return [...found, ...combineBundles(bundles, parts.random)];
  } catch (error) {
    if (found.length > 0 && error instanceof ReseedError) return found;
    throw error;
  }
}

/** What the files hold that may be stored today; an old or damaged one is told, and keeps nobody from the others. */
function readFiles(
  parts: ReseedParts,
  certificates: readonly SignerCertificate[],
): { found: RouterInfo[]; failed: unknown } {
  const found = new Map<string, RouterInfo>();
  let failed: unknown;
  const attempt = <T>(work: () => readonly T[]): readonly T[] => {
    try {
      return work();
    } catch (error) {
      failed ??= error;
      parts.progress({ got: 0, wanted: MIN_BUNDLES, failed: codeOf(error) });
      return [];
    }
  };
  const files = parts.files.flatMap((path) => attempt(() => readable(path, () => filesOf(path))));
  for (const file of files) {
    for (const info of attempt(() => readable(file, () => readFile(file, parts, certificates)))) {
      if (!refuseRouterInfo(info, parts.rules, parts.now(), MAX_STORED_AGE)) found.set(info.hash, info);
    }
  }
  return { found: [...found.values()], failed };
}

/** One server after another, until enough different signers have answered. */
async function askServers(parts: ReseedParts, certificates: readonly SignerCertificate[]): Promise<Bundle[]> {
  const bundles: Bundle[] = [];
  const signers = new Set<string>();
  for (const server of orderServers(RESEED_SERVERS, parts.random)) {
    if (signers.size >= MIN_BUNDLES || parts.signal.aborted) break;
    if (signers.has(server.signerId)) continue;
    const progress = { got: signers.size, wanted: MIN_BUNDLES };
    try {
      const bytes = await fetchReseedBundle(server, parts.rules.netId, parts.proxy, parts.signal);
      bundles.push(verifyBundle(bytes, server, certificates, parts.rules, parts.now()));
      signers.add(server.signerId);
      parts.progress({ ...progress, got: signers.size });
    } catch (error) {
      parts.progress({ ...progress, failed: codeOf(error) });
    }
  }
  return bundles;
}

/** The file itself, or what a folder holds of RouterInfos and SU3 files. */
function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort().slice(0, MAX_FILES);
  return names
    .filter((name) => name.endsWith('.dat') || name.endsWith('.su3'))
    .map((name) => join(path, name));
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ReseedError) throw error;
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new ReseedFileError({ code: 'reseed-file', file: path }, `${path}: ${why}`);
  }
}

/** A single RouterInfo that is damaged is left out: the NetDB of another router has some. */
function readFile(
  path: string,
  parts: ReseedParts,
  certificates: readonly SignerCertificate[],
): RouterInfo[] {
  const limit = path.endsWith('.su3') ? MAX_SU3_SIZE : ROUTER_INFO_MAX_SIZE;
  if (statSync(path).size > limit) return [];
  const bytes = readFileSync(path);
  if (path.endsWith('.su3')) {
    const server: ReseedServer = { url: `file://${path}`, signerId: signerOf(bytes, path) };
    return [...verifyBundle(bytes, server, certificates, parts.rules, parts.now()).routerInfos];
  }
  try {
    return [decodeRouterInfo(bytes)];
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}

function signerOf(bytes: Uint8Array, path: string): string {
  try {
    return decodeSu3(bytes).signerId;
  } catch (error) {
    if (error instanceof DecodeError) throw new ReseedError('format', `file://${path}`, error.message);
    throw error;
  }
}

function readCertificates(): SignerCertificate[] {
  return readdirSync(CERTIFICATES)
    .filter((name) => name.endsWith('.crt'))
    .map((name) => readSignerCertificate(readFileSync(join(CERTIFICATES, name), 'utf8')));
}

function codeOf(error: unknown): string {
  if (error instanceof FetchFailure || error instanceof ReseedError || error instanceof ReseedFileError)
    return error.code;
  return 'unknown';
}
