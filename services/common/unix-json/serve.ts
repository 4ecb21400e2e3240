import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { z } from 'zod';
import { GatewayError } from '../bytes/errors.ts';
import type { Stop } from '../lifecycle/lifecycle.ts';
import { type ListenAddress, listen } from '../lifecycle/listen.ts';
import type { Refusal } from './refusal.ts';

/** Bytes of a request head, which nobody here fills. */
const MAX_HEAD = 4_096;
/** Bytes of a body where the route says nothing else: a few short words. */
const MAX_BODY = 1_024;
/** ms for a whole request to come in, and for an answer to be taken. */
const IO_MS = 5_000;
/** ms that an answer may take to be made, where the route says nothing else. */
const ANSWER_MS = 30_000;
/** Connections at a time, where nothing else is said. */
const MAX_CONNECTIONS = 16;

/** An answer: its status and plain JSON data. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** How one `METHOD /path` is answered. */
export interface Route {
  readonly body?: z.ZodType;
  readonly bounds: RouteBounds;
  run(body: unknown): Reply | Promise<Reply>;
}

export interface RouteBounds {
  /** bytes of the body; 1,024 unless said */
  readonly bytes?: number;
  /** ms until 504 is answered instead; 30 s unless said. The work itself goes on */
  readonly ms?: number;
}

export interface ServeOptions {
  /** connections at a time, 16 unless said; more are dropped */
  readonly connections?: number;
  /** ms that a connection may wait for its next question; without it every connection has one */
  readonly keepAliveMs?: number;
}

export const ok = (body: unknown): Reply => ({ status: 200, body });

/** 409: understood, and not done. 400: no request. */
export function refuse(status: number, code: string, why: string): Reply {
  return { status, body: { ok: false, code, why } satisfies Refusal };
}

/** A question without a body. */
export function get(run: () => Reply | Promise<Reply>): Route {
  return { bounds: {}, run };
}

/** A request whose body fits `schema`; what does not is answered 400 and never reaches `run`. */
export function post<S extends z.ZodType>(
  schema: S,
  run: (body: z.output<S>) => Reply | Promise<Reply>,
  bounds: RouteBounds = {},
): Route {
  return { body: schema, bounds, run: (body) => run(body as z.output<S>) };
}

/**
 * JSON over HTTP on a local socket: `routes` by `METHOD /path`. 400 `invalid`, 404 `not-found`, 413 `too-long` and 504
 * `timeout` are answered here, each with `{ok: false, code, why}`. A `GatewayError` that a route throws is a 409, anything
 * else a 500. Throws `ListenError`.
 */
export async function serve(
  address: ListenAddress,
  routes: Readonly<Record<string, Route>>,
  options: ServeOptions = {},
): Promise<{ stop: Stop }> {
  const { keepAliveMs } = options;
  const server = createServer(
    {
      maxHeaderSize: MAX_HEAD,
      headersTimeout: IO_MS,
      requestTimeout: IO_MS,
      connectionsCheckingInterval: IO_MS / 4,
      keepAliveTimeout: keepAliveMs ?? IO_MS,
    },
    (request, response) => {
      if (keepAliveMs === undefined) response.shouldKeepAlive = false;
      void answer(request, routes).then(
        (reply) => send(response, reply),
        // the client is gone, or its request never ended
        () => response.destroy(),
      );
    },
  );
  server.maxConnections = options.connections ?? MAX_CONNECTIONS;
  await listen(server, address);
  return { stop: () => stop(server) };
}

function stop(server: Server): Promise<void> {
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  server.closeAllConnections();
  return closed.promise;
}

async function answer(request: IncomingMessage, routes: Readonly<Record<string, Route>>): Promise<Reply> {
  const route = routes[`${request.method} ${request.url}`];
  const body = await read(request, route?.bounds.bytes ?? MAX_BODY);
  if (route === undefined) return refuse(404, 'not-found', Object.keys(routes).join(', '));
  if (body === undefined) return refuse(413, 'too-long', 'the request is too long');
  const parsed = route.body?.safeParse(asJson(body));
  if (parsed?.success === false) return refuse(400, 'invalid', issuesOf(parsed.error));
  try {
    return await inTime(route, parsed?.data);
  } catch (error) {
    if (error instanceof GatewayError) return refuse(409, String(error.code), error.message);
    return refuse(500, 'failed', error instanceof Error ? error.message : String(error));
  }
}

/**
 * Undefined when it is too long. It is read to its end all the same (for `IO_MS` at most): a client that still sends would
 * find its connection broken, and no answer.
 */
async function read(request: IncomingMessage, max: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes: Buffer = chunk;
    size += bytes.length;
    if (size <= max) chunks.push(bytes);
  }
  return size > max ? undefined : Buffer.concat(chunks).toString();
}

function asJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function issuesOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
}

async function inTime(route: Route, body: unknown): Promise<Reply> {
  const { promise: late, resolve } = Promise.withResolvers<Reply>();
  const timer = setTimeout(
    () => resolve(refuse(504, 'timeout', 'it takes too long')),
    route.bounds.ms ?? ANSWER_MS,
  );
  try {
    return await Promise.race([route.run(body), late]);
  } finally {
    clearTimeout(timer);
  }
}

function send(response: ServerResponse, { status, body }: Reply): void {
  response.setTimeout(IO_MS);
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body, null, 2)}\n`);
}
