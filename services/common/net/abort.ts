import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Destroys a stream so that the other side can tell: over TCP by a reset, for a plain close looks as if all had come. */
export function abort(stream: Duplex): void {
  // A Unix socket has no address, and no reset.
  if (stream instanceof Socket && stream.remoteFamily !== undefined) stream.resetAndDestroy();
  else stream.destroy();
}
