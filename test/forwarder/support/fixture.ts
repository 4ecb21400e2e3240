import type { ExecutionContext } from 'ava';
import type { Limits } from '../../../services/forwarder/host/context.ts';
import { type OurProxy, startOurs } from './proxies.ts';
import { RecordingParent } from './recording-parent.ts';

export interface Pair {
  readonly ours: OurProxy;
  readonly parent: RecordingParent;
  readonly port: number;
}

/** Our forwarder before a recording parent that all of .i2p goes to; both end with the test. */
export async function pair(
  t: ExecutionContext,
  config = 'keep-alive-timeout 5\ntolerate-pipelining 1\n',
  files: Readonly<Record<string, string>> = {},
  limits: Partial<Limits> = {},
): Promise<Pair> {
  const parent = await RecordingParent.start();
  const ours = await startOurs(`forward .i2p 127.0.0.1:${parent.port}\n${config}`, files, limits);
  t.teardown(async () => {
    await ours.stop();
    await parent.stop();
  });
  return { ours, parent, port: ours.port };
}

export function get(url: string, ...headers: readonly string[]): string {
  const host = new URL(url).host;
  return `${[`GET ${url} HTTP/1.1`, `Host: ${host}`, ...headers].join('\r\n')}\r\n\r\n`;
}
