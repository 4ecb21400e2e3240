import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { abort } from './abort.ts';

/** Listeners for one event that a stream carries here: two pipes, and what its owner had put on it before. */
const LISTENERS = 24;

/**
 * Joins two streams until both directions ended; each end passes on the half-close, each break the break. Resolves in
 * every case, with both streams closed. Without a byte in either direction for `idleMs` they are closed too.
 */
export async function splice(a: Duplex, b: Duplex, idleMs: number): Promise<void> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), idleMs);
  const refresh = (): void => void timer.refresh();
  const { signal } = idle;
  const close = (): void => {
    cut(a, b);
    cut(b, a);
  };
  for (const stream of [a, b]) {
    // Before the pipes hear of it, which would end the other side as if all had come.
    stream.on('error', close);
    stream.setMaxListeners(LISTENERS);
    stream.allowHalfOpen = true;
  }
  try {
    const ways = [pipeline(a, b, { signal }), pipeline(b, a, { signal })];
    // Listening for data starts the flow, so it comes after the pipes.
    a.on('data', refresh);
    b.on('data', refresh);
    await Promise.all(ways.map((way) => way.catch(close)));
  } finally {
    clearTimeout(timer);
    a.destroy();
    b.destroy();
  }
}

/** Where all has come, what is still on its way to `to` is not thrown away. */
function cut(to: Duplex, from: Duplex): void {
  if (from.readableEnded) to.destroy();
  else abort(to);
}
