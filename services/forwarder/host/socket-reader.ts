import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** Bytes read at once: of heads and small pages, and of bodies that fill these. */
const SMALL = 16 * 1024;
const LARGE = 64 * 1024;
/** Bytes that are copied out of the buffer, so that it can be read into again; more are handed over in it. */
const COPY_MAX = 4 * 1024;
/** Buffers of each size that wait for the next connection: 5 MB in all. */
const SPARE_MAX = 64;

/** Buffers whose connection is over. */
class Spare {
  readonly #length: number;
  readonly #buffers: Buffer[] = [];

  constructor(length: number) {
    this.#length = length;
  }

  take(): Buffer {
    return this.#buffers.pop() ?? Buffer.allocUnsafeSlow(this.#length);
  }

  give(buffer: Buffer): void {
    if (this.#buffers.length < SPARE_MAX) this.#buffers.push(buffer);
  }
}

const small = new Spare(SMALL);
const large = new Spare(LARGE);

/**
 * Reads a connection into a buffer that is used again and again: Node's own reading makes one of 64 kB for each read,
 * and collecting them costs more than all else that a download does. A buffer is read into again only when whoever took
 * its bytes says that they have passed on.
 */
export class SocketReader {
  /** takes what comes instead of the socket's `data` */
  onBytes: ((bytes: Buffer) => void) | undefined;
  #spare = small;
  #buffer = small.take();
  #free = true;

  /** The bytes that were given last are used no more. */
  recycle(): void {
    this.#free = true;
  }

  /** The buffer for the next read. */
  next(): Buffer {
    if (!this.#free) this.#buffer = this.#spare.take();
    this.#free = true;
    return this.#buffer;
  }

  /** `length` bytes have been read. */
  take(socket: Socket, length: number): void {
    const bytes = this.#buffer.subarray(0, length);
    this.#free = length <= COPY_MAX;
    const given = this.#free ? Buffer.from(bytes) : bytes;
    if (this.onBytes === undefined) socket.push(given);
    else this.onBytes(given);
    if (length === SMALL && this.#spare === small) this.#grow();
  }

  /** The connection is over. */
  end(): void {
    if (this.#free) this.#spare.give(this.#buffer);
    this.#free = false;
  }

  #grow(): void {
    this.end();
    this.#spare = large;
  }
}

const readers = new WeakMap<object, SocketReader>();

/** Connects like `net.connect`; the reader is found by `readerOf`. */
export function connectReading(options: NetConnectOpts): Socket {
  const reader = new SocketReader();
  const socket: Socket = connect({
    ...options,
    onread: {
      buffer: () => reader.next(),
      callback: (length) => {
        reader.take(socket, length);
        return true;
      },
    },
  });
  readers.set(socket, reader);
  socket.once('close', () => reader.end());
  return socket;
}

export function readerOf(socket: object): SocketReader | undefined {
  return readers.get(socket);
}
