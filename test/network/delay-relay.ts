/**
 * Makes a near Tor feel far: a Unix socket in front of another, each byte `delay` ms late in both directions.
 * The kernel here has no netem, so the distance is added in user space.
 */

import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

/**
 * Bytes under way in one direction of one connection. More are left in the kernel's buffers until room is made, so at
 * 150 ms this still carries 50 MB/s.
 */
export const UNDER_WAY_LIMIT = 8 * 1024 * 1024;
/** Connections at a time: a router holds some hundred sessions; more is a fault in what is measured. */
export const CONNECTIONS_LIMIT = 1024;

export interface DelayRelay {
  /** connect here */
  readonly path: string;
  /** ends every connection and removes the socket */
  close(): Promise<void>;
}

export interface DelayOptions {
  /** a socket to make; an old one there is replaced */
  readonly from: string;
  /** a socket that listens */
  readonly to: string;
  /** milliseconds each way, for bytes and for the end of a stream; opening takes as long as a first byte */
  readonly delay: number;
}

/** Starts relaying. Throws if `from` cannot be made; a `to` that does not answer ends the one connection. */
export async function startDelayRelay(options: DelayOptions): Promise<DelayRelay> {
  await rm(options.from, { force: true });
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (near) => {
    const far = connect({ path: options.to, allowHalfOpen: true });
    join(near, far, options.delay);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    }
  });
  server.maxConnections = CONNECTIONS_LIMIT;
  await listening(server, options.from);
  return {
    path: options.from,
    close: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
      await promise;
    },
  };
}

function join(near: Socket, far: Socket, delay: number): void {
  carry(near, far, delay);
  carry(far, near, delay);
  // An error ends both sides; its bytes under way are lost, as on a broken line.
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('error', () => other.destroy());
    one.once('close', (broken) => broken && other.destroy());
  }
}

/** What waits to be written; `bytes` undefined is the stream's end. */
interface Late {
  readonly due: number;
  readonly bytes: Buffer | undefined;
}

function carry(from: Socket, to: Socket, delay: number): void {
  const line: Late[] = [];
  let underWay = 0;
  let timer: NodeJS.Timeout | undefined;
  const put = (bytes: Buffer | undefined) => {
    line.push({ due: performance.now() + delay, bytes });
    timer ??= setTimeout(deliver, delay);
  };
  const deliver = () => {
    timer = undefined;
    const now = performance.now();
    while (!to.writableNeedDrain) {
      const first = line[0];
      if (first === undefined) return;
      if (first.due > now) {
        timer = setTimeout(deliver, Math.ceil(first.due - now));
        return;
      }
      line.shift();
      if (first.bytes === undefined) {
        to.end();
        continue;
      }
      underWay -= first.bytes.length;
      to.write(first.bytes);
      if (from.isPaused() && underWay < UNDER_WAY_LIMIT) from.resume();
    }
  };
  from.on('data', (bytes: Buffer) => {
    underWay += bytes.length;
    put(bytes);
    if (underWay >= UNDER_WAY_LIMIT) from.pause();
  });
  from.once('end', () => put(undefined));
  from.resume();
  to.on('drain', () => {
    if (timer === undefined) deliver();
  });
  to.once('close', () => {
    clearTimeout(timer);
    line.length = 0;
  });
}

async function listening(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(path, resolve);
  await promise;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { from: { type: 'string' }, to: { type: 'string' }, delay: { type: 'string', default: '150' } },
  });
  const delay = Number(values.delay);
  if (values.from === undefined || values.to === undefined || !(delay >= 0)) {
    console.error('usage: node delay-relay.ts --from SOCKET --to SOCKET [--delay MS]');
    process.exit(2);
  }
  await startDelayRelay({ from: values.from, to: values.to, delay });
  console.log(`${values.from} → ${values.to}, ${delay} ms each way`);
}
