/** HTTP as the tests' own clients speak it: through an HTTP proxy, or through a SOCKS port on a Unix socket. */
import { createHash } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Fetched {
  readonly status: number;
  readonly bytes: number;
  /** of the body, lower-case hex */
  readonly sha256: string;
  /** the body's first TEXT_LIMIT bytes */
  readonly text: string;
  /** milliseconds to the headers and to the end */
  readonly firstByte: number;
  readonly total: number;
}

const TEXT_LIMIT = 16_384;

/** GET through an HTTP proxy. Throws on a network error or when `timeout` ms pass without a byte. */
export async function fetchThroughProxy(proxy: Endpoint, url: string, timeout: number): Promise<Fetched> {
  const started = Date.now();
  const asked = request({
    host: proxy.host,
    port: proxy.port,
    path: url,
    headers: { host: new URL(url).host, connection: 'close' },
    agent: false,
    timeout,
  });
  return await finish(asked, started);
}

/** GET through a SOCKS5 port on a Unix socket; the name is resolved at the far end. Throws as above. */
export async function fetchThroughSocks(socksPath: string, url: string, timeout: number): Promise<Fetched> {
  const started = Date.now();
  const target = new URL(url);
  const socket = await openSocks(socksPath, target.hostname, Number(target.port || 80), timeout);
  const asked = request({
    createConnection: () => socket,
    path: target.pathname,
    headers: { host: target.host, connection: 'close' },
    timeout,
  });
  return await finish(asked, started);
}

/** A SOCKS5 connection to a host name. Throws with the reply code when it is refused. */
export async function openSocks(
  socksPath: string,
  host: string,
  port: number,
  timeout: number,
): Promise<Socket> {
  const socket = connect(socksPath);
  socket.on('error', () => {}); // read() and the caller see it in `errored`; without a listener it would end the process
  const failed = (why: string) => socket.destroy(new Error(why));
  socket.setTimeout(timeout, () => failed(`no answer from SOCKS within ${timeout} ms`));
  const name = Buffer.from(host);
  socket.write(Buffer.from([5, 1, 0]));
  const greeting = await read(socket, 2);
  if (greeting[1] !== 0) throw failed('SOCKS wants another authentication').errored;
  socket.write(Buffer.from([5, 1, 0, 3, name.length, ...name, port >> 8, port & 255]));
  const reply = await read(socket, 4);
  if (reply[1] !== 0) throw failed(`SOCKS reply ${reply[1]} for ${host}:${port}`).errored;
  // Tor answers on a Unix socket with an empty IPv6 address, on TCP with an empty IPv4 one.
  await read(socket, (reply[3] === 4 ? 16 : 4) + 2);
  socket.setTimeout(0);
  return socket;
}

async function read(socket: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(length) as Buffer | null;
    if (bytes !== null) return bytes;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const ended = () => reject(socket.errored ?? new Error('SOCKS closed the connection'));
    socket.once('readable', resolve).once('error', reject).once('close', ended);
    try {
      await promise;
    } finally {
      socket.off('readable', resolve).off('error', reject).off('close', ended);
    }
    if (socket.readableEnded) throw new Error('SOCKS closed the connection');
  }
}

async function finish(asked: ReturnType<typeof request>, started: number): Promise<Fetched> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  asked.once('timeout', () => asked.destroy(new Error('no byte within the time allowed')));
  asked.once('response', resolve).once('error', reject).end();
  const response = await promise;
  const firstByte = Date.now() - started;
  const hash = createHash('sha256');
  let bytes = 0;
  let text = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    if (text.length < TEXT_LIMIT) text += chunk.toString('latin1', 0, TEXT_LIMIT - text.length);
  }
  return {
    status: response.statusCode ?? 0,
    bytes,
    sha256: hash.digest('hex'),
    text,
    firstByte,
    total: Date.now() - started,
  };
}
