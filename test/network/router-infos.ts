/** RouterInfos of the running i2pd's, as a folder to reseed from. Reads two fields only: our own decoder is under test. */
import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from './docker.ts';
import { docker } from './docker.ts';

export interface PublishedRouter {
  readonly role: string;
  /** the router's hash in I2P's base64 */
  readonly hash: string;
  /** capability letters, such as XfR */
  readonly caps: string;
  readonly bytes: Uint8Array;
}

/** Public keys, signing key, certificate header: common structures, KeysAndCert. */
const CERTIFICATE_LENGTH_AT = 385;
const IDENTITY_WITHOUT_CERTIFICATE = 387;

export async function readRouter(container: Container): Promise<PublishedRouter> {
  const text = await docker('exec', container.name, 'base64', '-w0', '/var/lib/i2pd/router.info');
  const bytes = Buffer.from(text, 'base64');
  return { role: container.role, hash: identityHash(bytes), caps: routerCaps(bytes), bytes };
}

/** Writes every RouterInfo as `routerInfo-<hash>.dat`; a reader never sees half a file. */
export async function writeReseedFolder(
  directory: string,
  routers: readonly PublishedRouter[],
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const router of routers) {
    const path = join(directory, `routerInfo-${router.hash}.dat`);
    await writeFile(`${path}.part`, router.bytes);
    await rename(`${path}.part`, path);
  }
}

function identityHash(bytes: Buffer): string {
  if (bytes.length < IDENTITY_WITHOUT_CERTIFICATE) throw new Error(`a RouterInfo of ${bytes.length} bytes`);
  const length = IDENTITY_WITHOUT_CERTIFICATE + bytes.readUInt16BE(CERTIFICATE_LENGTH_AT);
  const hash = createHash('sha256').update(bytes.subarray(0, length)).digest('base64');
  return hash.replaceAll('+', '-').replaceAll('/', '~');
}

/** The last `caps` option is the router's own; the ones before belong to its addresses. The dot is the value's length. */
function routerCaps(bytes: Buffer): string {
  const all = bytes.toString('latin1').matchAll(/caps=.([A-Za-z0-9]+);/gs);
  return [...all].at(-1)?.[1] ?? '';
}
