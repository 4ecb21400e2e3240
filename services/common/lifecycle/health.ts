import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Stop } from './lifecycle.ts';
import { type ListenAddress, listen } from './listen.ts';

export interface HealthSource {
  /** true once the service does its main job */
  ready(): boolean;
  /** plain JSON data; no names, keys or addresses of users */
  status(): unknown;
}

/**
 * `GET /health` answers 200 `ready` or 503 `starting`; `GET /status` answers the service's JSON. Local only, small
 * limits; anything else is 404.
 */
export async function serveHealth(address: ListenAddress, source: HealthSource): Promise<{ stop: Stop }> {
  const server = createServer(
    { maxHeaderSize: 4_096, requestTimeout: 5_000, headersTimeout: 5_000 },
    (req, res) => answer(req, res, source),
  );
  server.maxConnections = 16;
  await listen(server, address);
  return {
    stop: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

function answer(req: IncomingMessage, res: ServerResponse, source: HealthSource): void {
  if (req.method === 'GET' && req.url === '/health') {
    const ready = source.ready();
    res.writeHead(ready ? 200 : 503, { 'content-type': 'text/plain' }).end(ready ? 'ready\n' : 'starting\n');
    return;
  }
  if (req.method === 'GET' && req.url === '/status') {
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(`${JSON.stringify(source.status(), null, 2)}\n`);
    return;
  }
  res.writeHead(404, { 'content-type': 'text/plain' }).end('GET /health or GET /status\n');
}
