import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { listen } from '@allium/common/lifecycle/listen.ts';
import { z } from 'zod';
import type { Status } from './status.ts';

/** Bytes of a request. */
const MAX_BODY = 1_024;

export const policyRequest = z.strictObject({ policy: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/) });

export interface Steerable {
  /** false while the last look is too old, or never happened */
  ready(): boolean;
  status(): Status;
  wantPolicy(name: string): void;
  newCircuits(): Promise<void>;
}

/** `GET /health`, `GET /status`, `POST /policy` `{"policy": NAME}`, `POST /newnym` `{}`. JSON over a Unix socket. */
export async function serveControl(path: string, supervisor: Steerable): Promise<{ stop: Stop }> {
  const server = createServer({ maxHeaderSize: 4_096, requestTimeout: 5_000 }, (request, response) => {
    void answer(request, response, supervisor).catch((error: unknown) =>
      send(response, 502, { ok: false, why: String(error) }),
    );
  });
  server.maxConnections = 16;
  await listen(server, { path });
  return {
    stop: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  supervisor: Steerable,
): Promise<void> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /health':
      return send(response, supervisor.ready() ? 200 : 503, { ready: supervisor.ready() });
    case 'GET /status':
      return send(response, 200, supervisor.status());
    case 'POST /newnym':
      await supervisor.newCircuits();
      return send(response, 200, { ok: true });
    case 'POST /policy': {
      const parsed = policyRequest.safeParse(await readJson(request));
      if (!parsed.success)
        return send(response, 400, { ok: false, why: 'policy: a name such as leak-proof' });
      supervisor.wantPolicy(parsed.data.policy);
      return send(response, 200, { ok: true });
    }
    default:
      return send(response, 404, { ok: false, why: 'GET /status, GET /health, POST /policy, POST /newnym' });
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_BODY) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(body, null, 2)}\n`);
}
