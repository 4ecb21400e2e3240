import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

/**
 * The `socks` package hands over bytes that came right behind the SOCKS reply as a `data` event one turn later and
 * lets the socket flow. They are caught here and put back, and the socket is returned paused. Call it right after the
 * package has handed over the socket.
 */
export async function keepEarlyBytes(socket: Socket): Promise<void> {
  const early: Buffer[] = [];
  const keep = (chunk: Buffer): void => void early.push(chunk);
  socket.on('data', keep);
  await setImmediate();
  await setImmediate();
  socket.off('data', keep);
  socket.pause();
  for (const chunk of early.reverse()) socket.unshift(chunk);
}
