import type { Duplex } from 'node:stream';
import { LINGER_MS } from './limits.ts';

/**
 * Ends a connection behind what was written. What is still being sent is read away for a while, or the answer would be
 * lost in a reset; whoever does not close in turn is cut.
 */
export function linger(socket: Duplex, last?: Uint8Array): void {
  if (socket.destroyed) return;
  socket.on('error', () => {});
  if (socket.writable) socket.end(last);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}
