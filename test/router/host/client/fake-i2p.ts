import { connect, type Server, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import type { StreamRefusal } from '@allium/common/contracts/streams.ts';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import type { ExecutionContext } from 'ava';
import { DialError } from '../../../../services/router/client/dial-error.ts';
import type { StreamDial, StreamDialer } from '../../../../services/router/host/client/stream-dialer.ts';
import { base32Name } from '../../../../services/router/names/destination-text.ts';
import { createDestinationKeys, type Destination } from '../../../../services/router/wire/destination.ts';
import { recordedEntropy } from '../../../support/entropy.ts';

export function destinationOf(seed: string): Destination {
  return createDestinationKeys(recordedEntropy(seed)).destination;
}

export const SITE = destinationOf('the site');
export const SITE_B32 = base32Name(SITE.hash);

/** Opens streams to local TCP ports through pairs of Duplexes, as the router would through tunnels. */
export class FakeDialer implements StreamDialer {
  /** TCP port of each I2P port of the one site, or why it can't be reached */
  readonly ports = new Map<number, number | StreamRefusal>();
  readonly dialled: StreamDial[] = [];
  /** our ends of the streams, in order */
  readonly streams: Duplex[] = [];
  /** the site's ends of them, and of those that are being opened */
  readonly siteEnds: Duplex[] = [];
  /** what was written before each stream stood */
  readonly greetings: string[] = [];
  delayMs = 0;
  /** what every stream waits for besides */
  hold: Promise<void> = Promise.resolve();

  async connect(dial: StreamDial, signal: AbortSignal, begun: (stream: Duplex) => void): Promise<Duplex> {
    this.dialled.push(dial);
    const [ours, theirs] = i2pPair();
    this.siteEnds.push(theirs);
    begun(ours);
    await setImmediate();
    await this.hold;
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    const early = await firstChunks(theirs);
    if (early.length > 0) theirs.unshift(early);
    this.greetings.push(early.toString('latin1'));
    signal.throwIfAborted();
    const where =
      dial.target === SITE.hash ? (this.ports.get(dial.port) ?? 'refused') : 'lease-set-not-found';
    if (typeof where === 'string') throw new DialError(where);
    const socket = connect({ port: where, host: '127.0.0.1', allowHalfOpen: true });
    joined(theirs, socket);
    this.streams.push(ours);
    return ours;
  }
}

/** The first two chunks that were written: a pair holds one until it is read. */
async function firstChunks(stream: Duplex): Promise<Buffer> {
  const first: Buffer | null = stream.read();
  await setImmediate();
  const second: Buffer | null = stream.read();
  return Buffer.concat([first ?? Buffer.alloc(0), second ?? Buffer.alloc(0)]);
}

/** Both ends of a stream: one that is destroyed before both directions ended resets the other. */
export function i2pPair(): [Duplex, Duplex] {
  const [a, b] = duplexPair();
  const couple = (from: Duplex, to: Duplex): void => {
    from.on('error', () => {});
    from.once('close', () => {
      if (!(from.readableEnded && from.writableFinished)) to.destroy(new Error('reset by the other side'));
    });
  };
  couple(a, b);
  couple(b, a);
  return [a, b];
}

function joined(a: Duplex, b: Socket): void {
  for (const way of [pipeline(a, b), pipeline(b, a)]) {
    way.catch(() => {
      a.destroy();
      b.destroy();
    });
  }
}

export function tcp(address: ListenAddress): { host: string; port: number } {
  if ('path' in address) throw new Error(address.path);
  return address;
}

export async function listening(t: ExecutionContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not TCP');
  return address.port;
}

/** Sends raw bytes and gives all that comes until the other side closes, or for `ms`. */
export async function exchange(
  where: { host: string; port: number },
  text: string,
  ms = 4_000,
): Promise<string> {
  const socket = connect({ ...where, allowHalfOpen: true });
  const parts: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.once('end', resolve);
  socket.once('close', () => resolve());
  socket.on('error', () => resolve());
  const timer = setTimeout(resolve, ms);
  socket.write(text, 'latin1');
  await promise;
  clearTimeout(timer);
  socket.destroy();
  return Buffer.concat(parts).toString('latin1');
}

/** Waits until `condition` holds; fails the test when it does not within `ms`. */
export async function until(t: ExecutionContext, condition: () => boolean, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) return t.fail('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.pass();
}
