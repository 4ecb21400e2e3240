import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { type ListenAddress, listen } from '@allium/common/lifecycle/listen.ts';
import type { z } from 'zod';
import { type Answer, policyRequest, stateRequest } from '../model/control.ts';
import type { PolicyService } from './service.ts';

/** A request is one short word in JSON: bytes. */
const MAX_BODY = 1_024;

type Steerable = Pick<PolicyService, 'ready' | 'status' | 'policies' | 'requestState' | 'requestPolicy'>;

/**
 * `GET /status`, `GET /health`, `GET /policies`, `POST /state` `{"state": "open"}`, `POST /policy`
 * `{"policy": "leak-proof"}`. JSON over a Unix socket; 200 when it is in force and read back, 409 when it was refused,
 * 400 for what is not a request: nothing changes then.
 */
export async function serveControl(address: ListenAddress, service: Steerable): Promise<{ stop: Stop }> {
  const server = createServer(
    { maxHeaderSize: 4_096, requestTimeout: 5_000, headersTimeout: 5_000 },
    (request, response) => void answer(request, response, service),
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

async function answer(request: IncomingMessage, response: ServerResponse, service: Steerable): Promise<void> {
  const route = `${request.method} ${request.url}`;
  if (route === 'GET /status') send(response, 200, service.status());
  else if (route === 'GET /health') send(response, service.ready() ? 200 : 503, { ready: service.ready() });
  else if (route === 'GET /policies') send(response, 200, { policies: service.policies() });
  else if (route === 'POST /state') {
    await ask(request, response, stateRequest, ({ state }) => service.requestState(state));
  } else if (route === 'POST /policy') {
    await ask(request, response, policyRequest, ({ policy }) => service.requestPolicy(policy));
  } else
    send(response, 404, {
      ok: false,
      code: 'not-found',
      why: 'GET /status, GET /health, GET /policies, POST /state, POST /policy',
    });
}

async function ask<S extends z.ZodType>(
  request: IncomingMessage,
  response: ServerResponse,
  schema: S,
  run: (body: z.output<S>) => Promise<Answer>,
): Promise<void> {
  const body = await readJson(request).catch(() => undefined);
  const parsed = schema.safeParse(body);
  if (!parsed.success) {
    const why = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    send(response, 400, { ok: false, code: 'invalid', why });
    return;
  }
  const result = await run(parsed.data);
  send(response, result.ok ? 200 : 409, result);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes: Buffer = chunk;
    size += bytes.length;
    if (size > MAX_BODY) return undefined;
    chunks.push(bytes);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(body, null, 2)}\n`);
}
