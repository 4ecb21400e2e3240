/** Clients that ask for the same page again as soon as they have it. Bytes are only counted, so that this costs little. */
import { connect, type Socket } from 'node:net';
import { reasonOf } from '../table.ts';

export interface Load {
  readonly port: number;
  /** the request line's target: an address for a proxy, a path for a server */
  readonly target: string;
  readonly host: string;
  readonly bodyBytes: number;
  readonly keepAlive: boolean;
  readonly clients: number;
  /** ms in which requests are begun; those that were begun are waited for */
  readonly duration: number;
}

export interface Loaded {
  /** ms for each request that was answered whole, from its begin (with the connection's, where it has its own) */
  readonly latencies: readonly number[];
  /** from the first request to the end of the last */
  readonly seconds: number;
  readonly connections: number;
  readonly failures: readonly string[];
}

/** ms without a byte after which a request has failed. */
const SILENCE_MS = 10_000;
/** Failures of one load after which it ends: then its figures are worth nothing anyway. */
const MAX_FAILURES = 20;

export async function runLoad(load: Load): Promise<Loaded> {
  const latencies: number[] = [];
  const failures: string[] = [];
  let connections = 0;
  const lines = ['', `Host: ${load.host}`, `Connection: ${load.keepAlive ? 'keep-alive' : 'close'}`, '', ''];
  const request = `GET ${load.target} HTTP/1.1${lines.join('\r\n')}`;
  const begun = performance.now();
  const client = async (): Promise<void> => {
    let socket: Socket | undefined;
    while (performance.now() - begun < load.duration && failures.length < MAX_FAILURES) {
      const started = performance.now();
      try {
        if (socket === undefined || !socket.writable) {
          connections++;
          socket = await open(load.port);
        }
        await exchange(socket, request, load.bodyBytes);
        latencies.push(performance.now() - started);
      } catch (error) {
        failures.push(reasonOf(error));
        socket?.destroy();
      }
      if (!load.keepAlive) socket?.destroy();
    }
    socket?.destroy();
  };
  await Promise.all(Array.from({ length: load.clients }, client));
  return { latencies, seconds: (performance.now() - begun) / 1000, connections, failures };
}

export function open(port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error('silence')));
  socket.once('connect', () => resolve(socket)).on('error', reject);
  return promise;
}

/** Resolves at the last byte of the body. Rejects on any answer but 200 with a body of that length. */
function exchange(socket: Socket, request: string, bodyBytes: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let head: Buffer | undefined = Buffer.alloc(0);
  let left = bodyBytes;
  const end = (error?: Error): void => {
    socket.off('data', onData).off('error', end).off('close', onClose);
    if (error === undefined) resolve();
    else reject(error);
  };
  const onClose = (): void => end(new Error('closed in the middle'));
  const onData = (chunk: Buffer): void => {
    let length = chunk.length;
    if (head !== undefined) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const at = head.indexOf('\r\n\r\n');
      if (at < 0) return;
      if (!/^HTTP\/1\.1 200 /.test(head.toString('latin1', 0, 16))) return end(new Error('not 200'));
      length = head.length - at - 4;
      head = undefined;
    }
    left -= length;
    if (left === 0) end();
    else if (left < 0) end(new Error('more bytes than the page has'));
  };
  socket.on('data', onData).once('error', end).once('close', onClose);
  socket.write(request);
  return promise;
}
