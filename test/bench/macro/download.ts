import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Endpoint } from '../../network/fetching.ts';
import type { SiteFile } from '../../network/site-content.ts';

/** Seconds since the request. */
export interface Download {
  readonly firstByte: number;
  readonly total: number;
}

/** What came so far, for a download that did not end. */
export interface Progress {
  bytes: number;
}

/** ms without a byte after which a download has failed: a minute more would not make a figure of it. */
const SILENCE_MS = 60_000;

/** GET through an HTTP proxy on a connection of its own. Throws unless every byte of `file` came, and nothing else. */
export async function download(
  proxy: Endpoint,
  origin: string,
  file: SiteFile,
  signal: AbortSignal,
  progress: Progress = { bytes: 0 },
): Promise<Download> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  const url = `${origin}${file.path}`;
  const headers = { host: new URL(url).host, connection: 'close' };
  const asked = request({ ...proxy, path: url, headers, agent: false, signal, timeout: SILENCE_MS });
  asked.once('timeout', () => asked.destroy(new Error('silence')));
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const firstByte = seconds();
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`HTTP ${response.statusCode}`);
  }
  const hash = createHash('sha256');
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      progress.bytes += chunk.length;
      hash.update(chunk);
    }
  } catch (cause) {
    throw new Error(`broke off after ${progress.bytes} bytes and ${seconds().toFixed(0)} s`, { cause });
  }
  const total = seconds();
  if (progress.bytes !== file.bytes) throw new Error(`${progress.bytes} bytes of ${file.bytes}`);
  if (hash.digest('hex') !== file.sha256) throw new Error('other bytes than the site has');
  return { firstByte, total };
}
