/** Memory with as many connections as the configuration of the image lets in, all of them downloading at once. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { memoryOf } from '../macro/process-figures.ts';
import { HOSTS, PAGES } from './cells.ts';
import type { Contenders, Listening } from './contenders.ts';

export interface MemoryResult {
  readonly contender: string;
  /** answered whole, of all that were asked */
  readonly answered: number;
  readonly asked: number;
  /** bytes resident before; the most ever since the process started, downloads included; and at rest, connections open */
  readonly before: number;
  readonly peak: number;
  readonly after: number;
}

export const CONNECTIONS = 512;
/** One client address has 128 at most, here as in the image. */
const ADDRESSES = ['127.0.1.1', '127.0.1.2', '127.0.1.3', '127.0.1.4'];
/** Bytes of each connection that a client reads at once; then it rests, so that all are under way at a time. */
const REST_MS = 50;
const SETTLE_MS = 2_000;
const ALL_MS = 60_000;

export async function measureMemory(proxies: Contenders['proxies']): Promise<MemoryResult[]> {
  return [await measure('ours', proxies.ours.Debian), await measure('Privoxy', proxies.privoxy.Debian)];
}

async function measure(contender: string, { port, pid }: Listening): Promise<MemoryResult> {
  const { resident: before } = await memoryOf(pid);
  const pages = Array.from({ length: CONNECTIONS }, (_, n) =>
    download(port, ADDRESSES[n % ADDRESSES.length] ?? '', n % 2 === 0),
  );
  const sockets = await Promise.all(pages);
  await setTimeout(SETTLE_MS);
  const { resident: after, peak } = await memoryOf(pid);
  for (const { socket } of sockets) socket.destroy();
  const answered = sockets.filter(({ whole }) => whole).length;
  return { contender, answered, asked: CONNECTIONS, before, peak, after };
}

/** Asks for the large page, over .i2p for every second connection, reads it with rests, and leaves the connection open. */
async function download(port: number, localAddress: string, i2p: boolean) {
  const { path, bytes } = PAGES.large;
  const host = HOSTS[i2p ? '.i2p' : 'clearnet'];
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  let got = 0;
  let status = '';
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => {
    if (status === '') status = chunk.toString('latin1', 9, 12);
    got += chunk.length;
    if (got >= bytes) resolve();
    socket.pause();
    setTimeout(REST_MS).then(() => socket.resume());
  });
  socket.once('close', () => resolve());
  await Promise.race([once(socket, 'connect'), promise]);
  socket.write(`GET http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await Promise.race([promise, setTimeout(ALL_MS, undefined, { ref: false })]);
  return { socket, whole: status === '200' && got >= bytes };
}
