/** The services behind our server tunnels: a web site and a program that speaks plain TCP. */
import { createHash } from 'node:crypto';
import { createServer as createHttpServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer, type Server as TcpServer } from 'node:net';
import { type SitePath, siteBytes } from '../network/site-content.ts';

const PATHS: readonly SitePath[] = ['/', '/1m.bin', '/10m.bin', '/50m.bin'];

export interface Visit {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** names as they came, in order, with doubles */
  readonly names: readonly string[];
}

export interface LocalSite {
  readonly server: Server;
  readonly visits: Visit[];
}

/** The files of the test network's eepsite; a POST is answered with the SHA-256 of its body. Listens nowhere yet. */
export function localSite(): LocalSite {
  const visits: Visit[] = [];
  const files = new Map<string, Uint8Array>(PATHS.map((path) => [path, siteBytes(path)]));
  const server = createHttpServer(async (req, res) => {
    const { method = '', url = '', headers, rawHeaders } = req;
    visits.push({ method, url, headers, names: rawHeaders.filter((_, at) => at % 2 === 0) });
    const hash = createHash('sha256');
    try {
      for await (const chunk of req as AsyncIterable<Buffer>) hash.update(chunk);
    } catch {
      return void res.destroy();
    }
    const file = files.get(url);
    if (method === 'POST') res.end(hash.digest('hex'));
    else if (file === undefined) res.writeHead(404).end('no such file\n');
    else res.writeHead(200, { 'content-type': 'text/html', 'content-length': file.length }).end(file);
  });
  return { server, visits };
}

/** Length of what the echo service sends at the end, a SHA-256. */
export const ECHO_TRAILER = 32;

/**
 * Sends back the first `size` bytes that come, then their SHA-256, and closes. It does not wait for the client's end:
 * i2pd closes both directions when a client closes one. Listens nowhere yet.
 */
export function echoService(size: number): TcpServer {
  return createServer((socket) => {
    const hash = createHash('sha256');
    let left = size;
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      hash.update(chunk);
      if (!socket.write(chunk)) socket.pause();
      if (left <= 0) socket.end(hash.digest());
    });
    socket.on('drain', () => socket.resume());
    socket.on('error', () => {});
  });
}

export async function listenOn(server: TcpServer, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(path, resolve);
  await promise;
}
