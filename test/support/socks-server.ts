import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface SocksServerOptions {
  /** reply code of RFC 1928; 0 is success */
  readonly reply?: number;
  /** sent right behind the reply */
  readonly early?: string;
  /** port on 127.0.0.1 that every request is led to, whatever it asked for */
  readonly forwardTo?: number;
}

/** A SOCKS5 server that reads exactly what RFC 1928 and 1929 say; keeps who asked for what, as `user type address:port`. */
export async function socksServer(
  path: string,
  options: SocksServerOptions = {},
): Promise<{ server: Server; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    void serve(socket, options, asked).catch(() => socket.destroy());
  });
  server.listen(path);
  await once(server, 'listening');
  return { server, asked };
}

async function serve(socket: Socket, options: SocksServerOptions, asked: string[]): Promise<void> {
  const read = reader(socket);
  await read(1);
  await read((await read(1))[0] ?? 0);
  socket.write(Buffer.of(5, 2));
  await read(1);
  const user = await read((await read(1))[0] ?? 0);
  await read((await read(1))[0] ?? 0);
  socket.write(Buffer.of(1, 0));
  const [, , , type = 0] = await read(4);
  const address = await read(type === 3 ? ((await read(1))[0] ?? 0) : type === 4 ? 16 : 4);
  const port = (await read(2)).readUInt16BE(0);
  asked.push(`${user} ${type} ${type === 3 ? address.toString() : [...address].join('.')}:${port}`);
  const { reply = 0, early, forwardTo } = options;
  socket.write(Buffer.of(5, reply, 0, 1, 0, 0, 0, 0, 0, 0));
  if (reply !== 0) return void socket.end();
  if (early !== undefined) socket.write(early);
  if (forwardTo === undefined) return;
  const target = connect(forwardTo, '127.0.0.1');
  target.on('error', () => socket.destroy());
  socket.once('close', () => target.destroy());
  socket.pipe(target).pipe(socket);
}

function reader(socket: Socket): (n: number) => Promise<Buffer> {
  return async (n) => {
    for (;;) {
      const chunk: Buffer | null = n === 0 ? Buffer.alloc(0) : socket.read(n);
      if (chunk !== null) return chunk;
      await once(socket, 'readable');
    }
  };
}
