import { request } from 'node:http';

/** ms for a whole exchange with a service on this machine. */
const TIMEOUT_MS = 10_000;
/** Bytes of an answer: the policy's counters are the largest. */
const MAX_BYTES = 1 << 20;

export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One JSON exchange over a Unix socket. Throws when nobody answers, or not in JSON. */
export function askJson(
  socketPath: string,
  path: string,
  body?: unknown,
  ms = TIMEOUT_MS,
): Promise<JsonAnswer> {
  return ask(socketPath, path, body === undefined ? undefined : JSON.stringify(body), ms);
}

/** The same with any text as the request: GET without, POST with it. */
export async function ask(
  socketPath: string,
  path: string,
  text?: string,
  ms = TIMEOUT_MS,
): Promise<JsonAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<JsonAnswer>();
  const signal = AbortSignal.timeout(ms);
  const sent = request(
    { socketPath, path, method: text === undefined ? 'GET' : 'POST', agent: false, signal },
    (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) sent.destroy(new RangeError('answer too long'));
        else chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () => {
        try {
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) });
        } catch (error) {
          reject(error as Error);
        }
      });
    },
  );
  sent.once('error', reject);
  sent.end(text);
  return await promise;
}
