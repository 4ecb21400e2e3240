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

  static async start(target: number, where: string | 0 = 0): Promise<SocksServer> {
    const server = createServer();
    const socks = new SocksServer(server);
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      socks.#serve(socket, target).catch(() => socket.destroy());
    });
    await new Promise<void>((resolve) => {
      if (where === 0) server.listen(0, '127.0.0.1', resolve);
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
    const first = await next(socket);
    const request = first[0] === 4 ? readSocks4(first) : await this.#handshake5(socket, first);
    this.requests.push(request);
    if (this.reply !== 0) {
      socket.end(Buffer.from([5, this.reply, 0, 1, 0, 0, 0, 0, 0, 0]));
      return;
    }
    const far = connect(target, '127.0.0.1');
    far.on('error', () => socket.destroy());
    socket.write(
      request.version === 4
        ? Buffer.from([0, 90, 0, 0, 0, 0, 0, 0])
        : Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    );
    socket.pipe(far).pipe(socket);
  }

  async #handshake5(socket: Socket, greeting: Buffer): Promise<SocksRequest> {
    const wantsLogin = greeting.subarray(2).includes(2);
    socket.write(Buffer.from([5, wantsLogin ? 2 : 0]));
    let user = '';
    let password = '';
    if (wantsLogin) {
      const login = await next(socket);
      const length = login[1] ?? 0;
      user = login.subarray(2, 2 + length).toString();
      password = login.subarray(3 + length).toString();
      socket.write(Buffer.from([1, 0]));
    }
    const asked = await next(socket);
    const isName = asked[3] === 3;
    const name = asked.subarray(5, asked.length - 2).toString();
    const host = isName ? name : asked.subarray(4, asked.length - 2).join('.');
    return { version: 5, user, password, host, port: asked.readUInt16BE(asked.length - 2) };
  }
}

function readSocks4(bytes: Buffer): SocksRequest {
  const [user = '', host = ''] = bytes.subarray(8).toString().split('\0');
  return { version: 4, user, password: '', host, port: bytes.readUInt16BE(2) };
}

function next(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    socket.once('data', resolve);
    socket.once('close', reject);
  });
}
