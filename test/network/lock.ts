/** One process at a time makes or removes the network of this machine. */
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** In ms: longer than making the network takes where cores are scarce. */
const WAIT_LIMIT_MS = 900_000;
const RETRY_MS = 250;

/**
 * Does the work while no other process does its own. The lock is a listening socket with an abstract name: the kernel
 * frees it with its holder, however that ends. `waiting` is called once if another holds it.
 */
export async function alone<T>(name: string, waiting: () => void, work: () => Promise<T>): Promise<T> {
  const started = Date.now();
  let told = false;
  let release = await take(name);
  while (release === undefined) {
    if (!told) waiting();
    told = true;
    if (Date.now() - started > WAIT_LIMIT_MS) throw new Error(`another process holds ${name} for too long`);
    await sleep(RETRY_MS);
    release = await take(name);
  }
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Undefined if another process has it. */
async function take(name: string): Promise<(() => Promise<void>) | undefined> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen({ path: `\0${name}` }, resolve);
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined;
    throw error;
  }
  return async () => {
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    await closed.promise;
  };
}
