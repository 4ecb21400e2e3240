import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { listen } from '@allium/common/lifecycle/listen.ts';
import { z } from 'zod';
import type { Result } from '../leaktest/verdict.ts';
import type { KnownPolicy } from './policy-client.ts';
import type { Status } from './status.ts';

/** Bytes of a request. */
const MAX_BODY = 1_024;

export const policyRequest = z.strictObject({ policy: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/) });

export interface Steerable {
  /** false while the last look is too old, or never happened */
  ready(): boolean;
  status(): Status;
  /** Throws when there is no such policy, or it has a mistake: then the one that is wanted stays. */
  wantPolicy(name: string): Promise<void>;
  policies(): Promise<KnownPolicy[]>;
  /** ms until Tor does it */
  newCircuits(): Promise<number>;
  leaktest(): Promise<Result>;
}

/**
 * `GET /health`, `GET /status`, `GET /policies`, `POST /policy` `{"policy": NAME}`, `POST /newnym` `{}`, `POST /leaktest`
 * `{}`. JSON over a Unix socket. 409: it was refused, and `why`.
 */
export async function serveControl(path: string, supervisor: Steerable): Promise<{ stop: Stop }> {
  const server = createServer({ maxHeaderSize: 4_096, requestTimeout: 5_000 }, (request, response) => {
    void answer(request, response, supervisor).catch((error: unknown) =>
      send(response, error instanceof GatewayError ? 409 : 502, { ok: false, why: textOf(error) }),
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
      return send(response, 200, { ok: true, inMs: Math.round(await supervisor.newCircuits()) });
    case 'GET /policies':
      return send(response, 200, { policies: await supervisor.policies() });
    case 'POST /leaktest':
      return send(response, 200, await supervisor.leaktest());
    case 'POST /policy': {
      const parsed = policyRequest.safeParse(await readJson(request));
      if (!parsed.success)
        return send(response, 400, { ok: false, why: 'policy: a name such as leak-proof' });
      await supervisor.wantPolicy(parsed.data.policy);
      return send(response, 200, { ok: true });
    }
    default:
      return send(response, 404, { ok: false, why: 'no such question' });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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
