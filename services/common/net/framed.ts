import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { GatewayError } from '../bytes/errors.ts';
import { FrameReader, frameHead } from '../bytes/frames.ts';

/** Bytes up to which a frame is copied behind its head: cheaper than two writes. */
export const JOIN_MAX = 16 * 1024;

/** The other side closed without an end. */
export class BrokenOff extends GatewayError<{ readonly code: 'broken-off' }> {}

type Done = (error?: Error | null) => void;

/**
 * A stream in frames over a socket: half-close both ways, and what breaks off is destroyed with `BrokenOff`. It may be
 * written to at once; the socket is read from `start` on. Destroying it breaks off, for the other side too.
 */
export class Framed extends Duplex {
  readonly #socket: Socket;
  readonly #frames: FrameReader;
  #started = false;
  #onRoom: Done | undefined;

  /** `frames`: what has read the beginning already. */
  constructor(socket: Socket, frames = new FrameReader()) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#frames = frames;
    socket.on('error', () => {});
    socket.once('close', this.#onGone);
    socket.on('drain', () => {
      const done = this.#onRoom;
      this.#onRoom = undefined;
      done?.();
    });
  }

  /** All that was written is the kernel's: `writableLength` only says that the socket below has taken it. */
  get flushed(): boolean {
    return this.writableLength === 0 && this.#socket.writableLength === 0;
  }

  /** Reads from now on, what was put back into the socket first. */
  start(): this {
    const socket = this.#socket;
    this.#started = true;
    if (this.#frames.ended) this.push(null);
    socket.on('data', this.#onData).once('end', this.#onGone);
    socket.resume();
    return this;
  }

  readonly #onData = (chunk: Buffer): void => {
    let room = true;
    for (const part of this.#frames.push(chunk)) room = this.push(part);
    if (this.#frames.ended) this.push(null);
    else if (!room) this.#socket.pause();
  };

  /** The socket is closed as soon as both sides have ended, and not before: neither half of it is ever ended alone. */
  readonly #onGone = (): void => {
    if (!(this.#frames.ended && this.writableFinished)) this.destroy(new BrokenOff({ code: 'broken-off' }));
  };

  override _read(): void {
    if (this.#started) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (chunk.length === 0) {
      // A frame without bytes would be the end.
      done();
    } else if (this.#send(chunk) || this.#socket.destroyed) {
      done();
    } else {
      this.#onRoom = done;
    }
  }

  override _final(done: Done): void {
    this.#socket.write(frameHead(0), done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy();
    done(error);
  }

  #send(chunk: Buffer): boolean {
    const socket = this.#socket;
    const head = frameHead(chunk.length);
    if (chunk.length <= JOIN_MAX) return socket.write(Buffer.concat([head, chunk]));
    socket.cork();
    socket.write(head);
    const room = socket.write(chunk);
    socket.uncork();
    return room;
  }
}
