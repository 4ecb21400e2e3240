import { createServer, type Server, type Socket } from 'node:net';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A parent proxy that answers every request head (and its body, when it says its length) with fixed bytes. */
export class RecordingParent {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** bytes of every request since the last `take`, latin1 */
  #heard = '';
  connections = 0;
  answer: string | ((head: string, socket: Socket) => string | undefined) = OK;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(where: number | string = 0): Promise<RecordingParent> {
    const server = createServer({ allowHalfOpen: false });
    const parent = new RecordingParent(server);
    server.on('connection', (socket) => parent.#serve(socket));
    await new Promise<void>((resolve) => {
      if (typeof where === 'string') server.listen(where, resolve);
      else server.listen(where, '127.0.0.1', resolve);
    });
    return parent;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get open(): number {
    return this.#sockets.size;
  }

  take(): string {
    const heard = this.#heard;
    this.#heard = '';
    return heard;
  }

  reset(): void {
    this.answer = OK;
    this.#heard = '';
    this.connections = 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    let pending = '';
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      this.#heard += text;
      pending += text;
      for (;;) {
        const end = pending.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = pending.slice(0, end + 4);
        const rest = bodyEnd(head, pending.slice(end + 4));
        if (rest === undefined) return;
        pending = rest;
        const answer = typeof this.answer === 'string' ? this.answer : this.answer(head, socket);
        if (answer !== undefined) socket.write(answer, 'latin1');
        if (/^connection: close/im.test(head) || /^connection: close/im.test(answer ?? '')) socket.end();
      }
    });
  }
}

/** What is behind the body; undefined while it is not whole. */
function bodyEnd(head: string, rest: string): string | undefined {
  if (/^expect:/im.test(head) && rest === '') return rest;
  if (/^transfer-encoding:/im.test(head)) {
    const end = rest.indexOf('0\r\n\r\n');
    return end < 0 ? undefined : rest.slice(end + 5);
  }
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return rest.length < length ? undefined : rest.slice(length);
}
