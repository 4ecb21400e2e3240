import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { DecodeError } from '@allium/common/bytes/errors.ts';
import type { Stop } from '@allium/common/lifecycle/lifecycle.ts';
import { listen } from '@allium/common/lifecycle/listen.ts';
import { z } from 'zod';

/** Bytes of a relay list: some 160,000 lines. */
const MAX_BODY = 4 * 1024 * 1024;

const leaseRequest = z.strictObject({ relays: z.string().regex(/^[0-9a-f]{64}$/) });

export interface Leased {
  relaysDigest(): string | undefined;
  takeRelays(list: string): string;
  renewLease(relays: string): boolean;
  endLease(): void;
}

/**
 * The supervisor's side, HTTP over a Unix socket: `GET /relays`, `POST /relays` (lines of `ADDRESS:PORT`), `POST /lease`
 * `{"relays": SHA-256 of the list}`, `POST /close` `{}`. 409: another list is here, send yours first.
 */
export async function serveControl(path: string, uplink: Leased): Promise<{ stop: Stop }> {
  const server = createServer({ maxHeaderSize: 4_096, requestTimeout: 5_000 }, (request, response) => {
    void answer(request, response, uplink).catch(() => response.destroy());
  });
  server.maxConnections = 4;
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

async function answer(request: IncomingMessage, response: ServerResponse, uplink: Leased): Promise<void> {
  const body = await read(request);
  switch (`${request.method} ${request.url}`) {
    case 'GET /relays':
      return send(response, 200, { ok: true, relays: uplink.relaysDigest() ?? null });
    case 'POST /relays':
      return takeRelays(body, response, uplink);
    case 'POST /lease': {
      const parsed = leaseRequest.safeParse(asJson(body));
      if (!parsed.success) return refuse(response, 400, 'invalid', 'relays: SHA-256 of the list, in hex');
      if (uplink.renewLease(parsed.data.relays)) return send(response, 200, { ok: true });
      return refuse(response, 409, 'other-relays', 'another list is here: POST /relays first');
    }
    case 'POST /close':
      uplink.endLease();
      return send(response, 200, { ok: true });
    default:
      return refuse(response, 404, 'not-found', 'GET /relays, POST /relays, POST /lease, POST /close');
  }
}

function takeRelays(list: string | undefined, response: ServerResponse, uplink: Leased): void {
  if (list === undefined) return refuse(response, 413, 'too-long', 'the list is too long');
  try {
    send(response, 200, { ok: true, relays: uplink.takeRelays(list) });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    refuse(response, 400, 'relays-malformed', `line ${error.detail.offset}: ADDRESS:PORT expected`);
  }
}

/** Undefined when it is too long. */
async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes: Buffer = chunk;
    size += bytes.length;
    if (size > MAX_BODY) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

function asJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number, code: string, why: string): void {
  send(response, status, { ok: false, code, why });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(body)}\n`);
}
