import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface Wanted {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** One request through a proxy by node's own client, on a connection of its own. */
export async function fetchThrough(
  rig: { readonly proxy: { readonly host: string; readonly port: number } },
  url: string,
  wanted: Wanted = {},
): Promise<Got> {
  const { promise, resolve, reject } = Promise.withResolvers<Got>();
  const { method = 'GET', headers = {}, body } = wanted;
  const sent = request({
    ...rig.proxy,
    path: url,
    agent: false,
    method,
    headers: { host: new URL(url).host, ...headers },
  });
  sent.once('error', reject);
  sent.once('response', async (answer) => {
    try {
      const parts: Buffer[] = await answer.toArray();
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) });
    } catch (error) {
      reject(error);
    }
  });
  if (body === undefined) sent.end();
  else await pipeline(Readable.from([Buffer.from(body)]), sent);
  return promise;
}
