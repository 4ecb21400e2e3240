import type { Duplex } from 'node:stream';

/** Milliseconds that a client has to read a last answer before its connection is cut, where nothing else is said. */
const END_SOON_MS = 2_000;

/**
 * Writes, closes and reads on a little: unread input would turn the close into a reset that eats the answer.
 * Whoever does not close in turn is cut.
 */
export function endSoon(socket: Duplex, last: Uint8Array = new Uint8Array(0), ms = END_SOON_MS): void {
  if (socket.destroyed) return;
  socket.on('error', () => {});
  if (socket.writable) socket.end(last);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), ms);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
