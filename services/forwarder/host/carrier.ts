import type { Duplex } from 'node:stream';
import { JOIN_MAX } from '@allium/common/net/framed.ts';

/** What a wire stands on: a socket as it is, or a stream in frames over one. Reads nothing that is not listened for. */
export interface Carrier {
  /** of the operating system; only its own carrier writes to it or reads it */
  readonly socket: Duplex;
  /** May be written to. */
  readonly writable: boolean;
  /** All that was written is the kernel's. */
  readonly flushed: boolean;
  listen(listener: CarrierListener): void;
  /** False when the caller should wait for `roomCame`. `first` is Latin-1 and goes in front of the parts. */
  write(first: string, parts: readonly Buffer[]): boolean;
  /** Says that nothing more comes from here. The socket goes when the other side has said so too. */
  end(): void;
  /** Whoever took the last bytes needs them no more. */
  recycle(): void;
  /** Gives up the stream, paused, with `held` put back in front. Nothing is listened for any more. */
  release(held: Buffer | undefined): Duplex;
}

export interface CarrierListener {
  bytesCame(chunk: Buffer): void;
  /** `clean`: the other side said so. May be called once more when the connection is gone. */
  endCame(how: 'clean' | 'broken'): void;
  roomCame(): void;
}

/** Writes all of it at once, small parts as one: `front`, then `first` in Latin-1, then the parts. `bytes` is their length in all. */
export function writeJoined(
  socket: Duplex,
  {
    front,
    first,
    parts,
    bytes,
  }: { front?: Uint8Array; first: string; parts: readonly Buffer[]; bytes: number },
): boolean {
  if (bytes <= JOIN_MAX) {
    const out = Buffer.allocUnsafe(bytes);
    let at = 0;
    if (front !== undefined) {
      out.set(front);
      at = front.length;
    }
    at += out.write(first, at, 'latin1');
    for (const part of parts) at += part.copy(out, at);
    return socket.write(out);
  }
  socket.cork();
  let room = front === undefined || socket.write(front);
  if (first !== '') room = socket.write(first, 'latin1');
  for (const part of parts) room = socket.write(part);
  socket.uncork();
  return room;
}

export function lengthOf(first: string, parts: readonly Buffer[]): number {
  let bytes = first.length;
  for (const part of parts) bytes += part.length;
  return bytes;
}
