/** What the eepsite serves: a page and files whose bytes anyone can make again. */
import { createCipheriv, createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MEGABYTE = 1_000_000;
/** paths on the site → bytes */
const FILES = { '/1m.bin': MEGABYTE, '/10m.bin': 10 * MEGABYTE, '/50m.bin': 50 * MEGABYTE } as const;
export type SitePath = keyof typeof FILES | '/';

export interface SiteFile {
  readonly path: SitePath;
  readonly bytes: number;
  /** lower-case hex */
  readonly sha256: string;
}

const PAGE = page('An eepsite of the test network', 'Read through I2P.');
/** On the clearnet server; a test looks for this text. */
export const CLEARNET_TEXT = 'Read through a Tor exit.';
const CLEARNET_PAGE = page('A clearnet page of the test network', CLEARNET_TEXT);

/** Bytes that do not compress and are the same everywhere: AES-256-CTR over zeros, the key named by the path. */
export function siteBytes(path: SitePath): Uint8Array {
  if (path === '/') return Buffer.from(PAGE);
  const key = createHash('sha256').update(`allium test site ${path}`).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(FILES[path]));
}

/** Writes `<directory>/eepsite` and `<directory>/clearnet`, readable by the web server, and tells what is there. */
export async function writeSite(directory: string): Promise<SiteFile[]> {
  await mkdir(join(directory, 'eepsite'), { recursive: true });
  await mkdir(join(directory, 'clearnet'), { recursive: true });
  await writeFile(join(directory, 'clearnet', 'index.html'), CLEARNET_PAGE);
  const paths: SitePath[] = ['/', '/1m.bin', '/10m.bin', '/50m.bin'];
  const files: SiteFile[] = [];
  for (const path of paths) {
    const bytes = siteBytes(path);
    await writeFile(join(directory, 'eepsite', path === '/' ? 'index.html' : path), bytes);
    files.push({ path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  }
  return files;
}

function page(title: string, text: string): string {
  return `<!doctype html>\n<html lang="en"><title>${title}</title><h1>${title}</h1><p>${text}</p></html>\n`;
}
