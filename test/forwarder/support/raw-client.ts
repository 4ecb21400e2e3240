import { connect } from 'node:net';

export interface Reply {
  readonly text: string;
  /** the other side ended the connection */
  readonly closed: boolean;
}

export interface ProbeOptions {
  /** milliseconds of silence after which the reply is taken as it is */
  readonly quietMs?: number;
  /** longest time in all */
  readonly limitMs?: number;
  /** answers to wait for before silence counts */
  readonly answers?: number;
}

/** Sends bytes as they are and takes what comes back; latin1. */
export function probe(
  port: number,
  bytes: string | readonly string[],
  options: ProbeOptions = {},
): Promise<Reply> {
  const { quietMs = 200, limitMs = 8_000, answers = 1 } = options;
  const { promise, resolve } = Promise.withResolvers<Reply>();
  const parts = typeof bytes === 'string' ? [bytes] : bytes;
  const socket = connect(port, '127.0.0.1');
  let text = '';
  const done = (closed: boolean): void => {
    clearTimeout(limit);
    clearTimeout(quiet);
    socket.destroy();
    resolve({ text, closed });
  };
  const limit = setTimeout(done, limitMs, false);
  let quiet: NodeJS.Timeout | undefined;
  socket.on('connect', async () => {
    for (const part of parts) {
      socket.write(part, 'latin1');
      if (parts.length > 1) await new Promise((next) => setTimeout(next, 20));
    }
  });
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    clearTimeout(quiet);
    if ((text.match(/HTTP\/1\.[01] [1-5]\d\d/g)?.length ?? 0) >= answers)
      quiet = setTimeout(done, quietMs, false);
  });
  socket.on('error', () => {});
  socket.on('close', () => done(true));
  return promise;
}

export function statusOf(reply: Reply): string {
  return /^HTTP\/1\.[01] (\d{3})/.exec(reply.text)?.[1] ?? (reply.text === '' ? 'nothing' : 'rubbish');
}
