import { Agent, type IncomingMessage, request } from 'node:http';
import type { z } from 'zod';
import { GatewayError } from '../bytes/errors.ts';
import { refusal } from './refusal.ts';

/** ms for a whole exchange with a service on this machine. */
const ASK_MS = 10_000;
/** Bytes of an answer: the policy's counters are the largest. */
const MAX_ANSWER = 1 << 20;
/** Questions of one `KeptAsker` that are open or wait. */
const MAX_PENDING = 256;

export type AskFacts =
  /** nobody listens there, or the connection broke */
  | { readonly code: 'unreachable' }
  | { readonly code: 'timeout' }
  /** too many questions wait already */
  | { readonly code: 'busy' }
  /** the answer is too long, no JSON, or not what `schema` says */
  | { readonly code: 'too-long' | 'malformed' }
  /** understood and not done: the HTTP status, and the code of the one who refused */
  | { readonly code: 'refused'; readonly status: number; readonly reason: string };

export class AskError extends GatewayError<AskFacts> {}

export interface AskOptions<S extends z.ZodType> {
  /** what the answer must be */
  readonly schema: S;
  /** ms for the whole exchange; 10 s unless said */
  readonly ms?: number;
}

/** One question on a connection of its own: `route` is `GET /path`, or `POST /path` with `body`. Throws `AskError`. */
export function ask<S extends z.ZodType>(
  socketPath: string,
  route: string,
  body: unknown,
  options: AskOptions<S>,
): Promise<z.output<S>> {
  return exchange({ socketPath, agent: false }, route, body, options);
}

/** Many questions to one server that keeps its connections. What finds no free one waits, within its own time. */
export class KeptAsker {
  readonly #socketPath: string;
  readonly #agent: Agent;
  #pending = 0;

  /** `connections`: at a time */
  constructor(socketPath: string, connections = 4) {
    this.#socketPath = socketPath;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** As `ask`. What met a connection that the server had just closed is asked again: only for what may be done twice. */
  async ask<S extends z.ZodType>(route: string, body: unknown, options: AskOptions<S>): Promise<z.output<S>> {
    if (this.#pending >= MAX_PENDING) throw new AskError({ code: 'busy' }, `${this.#socketPath}: busy`);
    this.#pending++;
    try {
      return await exchange({ socketPath: this.#socketPath, agent: this.#agent }, route, body, options);
    } finally {
      this.#pending--;
    }
  }

  stop(): void {
    this.#agent.destroy();
  }
}

interface Way {
  readonly socketPath: string;
  readonly agent: Agent | false;
}

async function exchange<S extends z.ZodType>(
  way: Way,
  route: string,
  body: unknown,
  { schema, ms = ASK_MS }: AskOptions<S>,
): Promise<z.output<S>> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const signal = AbortSignal.timeout(ms);
  const { status, answer } = await send(way, route, text, signal).catch((error: unknown) => {
    throw asAskError(error, way.socketPath, signal);
  });
  if (status !== 200) {
    const { code, why } = refusal.safeParse(answer).data ?? { code: 'status', why: `status ${status}` };
    throw new AskError({ code: 'refused', status, reason: code }, why);
  }
  const parsed = schema.safeParse(answer);
  if (!parsed.success)
    throw new AskError({ code: 'malformed' }, `${way.socketPath}: ${route}: strange answer`);
  return parsed.data;
}

interface Answer {
  readonly status: number;
  readonly answer: unknown;
}

async function send(way: Way, route: string, text: string | undefined, signal: AbortSignal): Promise<Answer> {
  const [method, path] = route.split(' ');
  for (;;) {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = request({ ...way, method, path, signal }, resolve);
    sent.once('error', reject);
    sent.end(text);
    try {
      const response = await promise;
      return { status: response.statusCode ?? 0, answer: await read(response) };
    } catch (error) {
      // a kept connection that ended meanwhile; the agent has forgotten it, and a new one is not `reusedSocket`
      if (!(sent.reusedSocket && isBroken(error))) throw error;
    }
  }
}

async function read(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes: Buffer = chunk;
    size += bytes.length;
    if (size > MAX_ANSWER) throw new AskError({ code: 'too-long' }, 'the answer is too long');
    chunks.push(bytes);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

function isBroken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function asAskError(error: unknown, socketPath: string, signal: AbortSignal): AskError {
  if (error instanceof AskError) return error;
  if (signal.aborted) return new AskError({ code: 'timeout' }, `${socketPath}: no answer in time`);
  if (error instanceof SyntaxError) return new AskError({ code: 'malformed' }, `${socketPath}: no JSON`);
  const why = error instanceof Error && 'code' in error ? error.code : error;
  return new AskError({ code: 'unreachable' }, `${socketPath}: ${why}`);
}
