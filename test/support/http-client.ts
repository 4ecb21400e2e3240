import { createHash } from 'node:crypto';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Where an HTTP proxy (or server) listens, or a connection that leads to one. */
export type Door =
  | { readonly host: string; readonly port: number }
  | { readonly socketPath: string }
  | { readonly socket: Socket };

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** the door is the server itself, no proxy */
  readonly direct?: boolean;
  /** ms for the whole exchange */
  readonly deadline?: number;
  /** ends the exchange before its time */
  readonly signal?: AbortSignal;
  /** called with the sum of body bytes so far */
  readonly progress?: (bytes: number) => void;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
  /** of the body, lower-case hex */
  readonly sha256: string;
  /** the body's first TEXT_LIMIT bytes */
  readonly text: string;
}

const TEXT_LIMIT = 16_384;
/** ms; the slowest thing of the tests, 50 MB through tunnels and Tor, takes a fifth on two free cores. */
const DEADLINE_MS = 150_000;

/**
 * One request on a connection of its own, to a proxy unless told; the body is hashed as it comes. Throws when the
 * connection breaks or the deadline passes.
 */
export async function ask(door: Door, url: string, asking: Asking = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, direct, deadline = DEADLINE_MS, progress } = asking;
  const timeout = AbortSignal.timeout(deadline);
  const signal = asking.signal === undefined ? timeout : AbortSignal.any([timeout, asking.signal]);
  const asked = request({
    ...('socket' in door ? { createConnection: () => door.socket } : { ...door, agent: false }),
    method,
    path: direct || 'socket' in door ? new URL(url).pathname : url,
    headers: { host: new URL(url).host, connection: 'close', ...headers },
    signal,
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  asked.once('response', resolve).once('error', reject);
  // an answer may come before the body is sent whole; then the answer tells
  if (body === undefined) asked.end();
  else pipeline(Readable.from(slices(body)), asked).catch(reject);
  return await read(await promise, progress);
}

async function read(response: IncomingMessage, progress: Asking['progress']): Promise<Answer> {
  const hash = createHash('sha256');
  let bytes = 0;
  let text = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    if (text.length < TEXT_LIMIT) text += chunk.toString('latin1', 0, TEXT_LIMIT - text.length);
    progress?.(bytes);
  }
  const { statusCode: status = 0, headers } = response;
  return { status, headers, bytes, sha256: hash.digest('hex'), text };
}

function* slices(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += 65_536) yield body.subarray(at, at + 65_536);
}
