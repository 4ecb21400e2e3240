import { connect, createServer, type Server, type Socket } from 'node:net';

export interface SocksRequest {
  readonly version: 4 | 5;
  readonly user: string;
  readonly password: string;
  readonly host: string;
  readonly port: number;
}

/** A SOCKS 4a and 5 server that leads every stream to one port of this machine, or answers with an error code. */
export class SocksServer {
  readonly requests: SocksRequest[] = [];
  readonly #server: Server;
  /** reply code of SOCKS 5; anything but 0 refuses */
  reply = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `where`: a path, or a port of 127.0.0.1 */
  static async start(target: number, where: string | number = 0): Promise<SocksServer> {
    const server = createServer({ allowHalfOpen: true });
    const socks = new SocksServer(server);
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      socks.#serve(socket, target).catch(() => socket.destroy());
    });
    await new Promise<void>((resolve) => {
      if (typeof where === 'number') server.listen(where, '127.0.0.1', resolve);
      else server.listen(where, resolve);
    });
    return socks;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.unref();
      resolve(undefined);
    });
  }

  async #serve(socket: Socket, target: number): Promise<void> {
    const read = reader(socket);
    const version = (await read(1))[0];
    const request = version === 4 ? await readSocks4(read) : await this.#handshake5(socket, read);
    this.requests.push(request);
    if (this.reply !== 0) {
      socket.end(Buffer.from([5, this.reply, 0, 1, 0, 0, 0, 0, 0, 0]));
      return;
    }
    const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    far.on('error', () => socket.destroy());
    socket.once('close', () => far.destroy());
    socket.write(
      request.version === 4
        ? Buffer.from([0, 90, 0, 0, 0, 0, 0, 0])
        : Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    );
    socket.pipe(far).pipe(socket);
  }

  async #handshake5(socket: Socket, read: Read): Promise<SocksRequest> {
    const sized = async (): Promise<string> => (await read((await read(1))[0] ?? 0)).toString('latin1');
    const wantsLogin = (await sized()).includes('\x02');
    socket.write(Buffer.from([5, wantsLogin ? 2 : 0]));
    let user = '';
    let password = '';
    if (wantsLogin) {
      await read(1);
      user = await sized();
      password = await sized();
      socket.write(Buffer.from([1, 0]));
    }
    const type = (await read(4))[3];
    const host = type === 3 ? await sized() : [...(await read(type === 4 ? 16 : 4))].join('.');
    return { version: 5, user, password, host, port: (await read(2)).readUInt16BE() };
  }
}

type Read = (bytes: number) => Promise<Buffer>;

async function readSocks4(read: Read): Promise<SocksRequest> {
  const head = await read(7);
  const text = async (): Promise<string> => {
    let found = '';
    for (let byte = await read(1); byte[0] !== 0; byte = await read(1)) found += byte.toString('latin1');
    return found;
  };
  const user = await text();
  const named = head.readUInt32BE(3) < 256;
  return {
    version: 4,
    user,
    password: '',
    host: named ? await text() : [...head.subarray(3)].join('.'),
    port: head.readUInt16BE(1),
  };
}

function reader(socket: Socket): Read {
  return async (bytes) => {
    for (;;) {
      const chunk: Buffer | null = bytes === 0 ? Buffer.alloc(0) : socket.read(bytes);
      if (chunk !== null) return chunk;
      if (socket.destroyed) throw new Error('the client left');
      await new Promise<void>((resolve) => {
        socket.once('readable', resolve);
        socket.once('close', resolve);
      });
    }
  };
}
