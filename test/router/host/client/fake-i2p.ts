import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import type { StreamRefusal } from '@allium/common/contracts/streams.ts';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import { DialError } from '../../../../services/router/client/dial-error.ts';
import type { StreamDial, StreamDialer } from '../../../../services/router/host/client/stream-dialer.ts';
import { base32Name } from '../../../../services/router/names/destination-text.ts';
import { createDestinationKeys, type Destination } from '../../../../services/router/wire/destination.ts';
import { recordedEntropy } from '../../../support/entropy.ts';
import { i2pPair } from '../../../support/i2p-pair.ts';

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
