/** Clients that ask for the same page again as soon as they have it: wrk, which costs a tenth of what it measures. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Cell, HOSTS, PAGES } from './cells.ts';

export interface Loaded {
  readonly requests: number;
  readonly perSecond: number;
  /** ms from a request to its last byte (with the connection's making, where it has its own) */
  readonly p50: number;
  readonly p99: number;
  readonly failures: readonly string[];
}

/** What wrk counts (load.lua). */
interface Counted {
  readonly requests: number;
  readonly bytes: number;
  readonly microseconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: Readonly<Record<string, number>>;
}

const SCRIPT = join(import.meta.dirname, 'load.lua');

/** @param proxied the request names the site, as it does to a proxy */
export async function runLoad(port: number, cell: Cell, seconds: number, proxied: boolean): Promise<Loaded> {
  const { path, bytes } = PAGES[cell.page];
  const host = HOSTS[cell.way];
  const target = proxied ? `http://${host}${path}` : path;
  const { stdout } = await promisify(execFile)('wrk', [
    ...['-t', '1', '-c', String(cell.clients), '-d', `${seconds}s`, '-s', SCRIPT, `http://127.0.0.1:${port}`],
    ...['--', target, host, cell.keepAlive ? 'keep-alive' : 'close'],
  ]);
  const counted = JSON.parse(stdout.slice(stdout.indexOf('\n{'))) as Counted;
  const failures = Object.entries(counted.errors)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind}: ${count}`);
  if (counted.bytes < counted.requests * bytes) failures.push('answers shorter than the page');
  return {
    requests: counted.requests,
    perSecond: (counted.requests * 1e6) / counted.microseconds,
    p50: counted.p50 / 1_000,
    p99: counted.p99 / 1_000,
    failures,
  };
}
