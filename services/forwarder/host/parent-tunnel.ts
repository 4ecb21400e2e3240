import { type IncomingMessage, request as openRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { readyForHttp } from './dial.ts';
import { UpstreamError } from './upstream-error.ts';

/** What a parent made of CONNECT or of an upgrade. */
export interface ParentTunnel {
  readonly answer: IncomingMessage;
  /** the stream behind a positive answer; after a negative one to CONNECT, its body */
  readonly stream: Duplex | undefined;
}

export interface TunnelRequest {
  readonly socket: Socket;
  readonly method: string;
  readonly path: string;
  /** raw */
  readonly headers: string[];
  readonly headBytes: number;
  readonly timeoutMs: number;
}

/** Sends a request that may turn the connection into a stream. Throws `UpstreamError` and what node:http reports. */
export async function openTunnel(tunnel: TunnelRequest): Promise<ParentTunnel> {
  const { socket, method, path, headers } = tunnel;
  const { promise, resolve, reject } = Promise.withResolvers<ParentTunnel>();
  const upstream = openRequest({
    createConnection: () => readyForHttp(socket),
    method,
    path,
    headers,
    setDefaultHeaders: false,
    setHost: false,
    maxHeaderSize: tunnel.headBytes,
  });
  const open = (answer: IncomingMessage, stream: Duplex, head: Buffer): void => {
    if (head.length > 0) stream.unshift(head);
    resolve({ answer, stream });
  };
  upstream.on('connect', open);
  upstream.on('upgrade', open);
  upstream.on('response', (answer) => resolve({ answer, stream: undefined }));
  upstream.on('error', reject);
  upstream.on('close', () => reject(new UpstreamError({ code: 'closed' })));
  upstream.setTimeout(tunnel.timeoutMs, () => void upstream.destroy(new UpstreamError({ code: 'timeout' })));
  upstream.end();
  const result = await promise;
  socket.setTimeout(0);
  return result;
}
