import type { Duplex } from 'node:stream';
import { DialError } from '../client/dial-error.ts';
import { type StreamTarget, targetHash } from '../client/target.ts';
import type { StreamDialer } from './client/stream-dialer.ts';
import type { Driver } from './driver.ts';
import { type I2pStream, StreamFailure } from './i2p-stream.ts';

/** Opens streams of one local Destination for the proxies. */
export class DestinationDialer implements StreamDialer {
  readonly #driver: Driver;
  readonly #destination: string;
  readonly #ready: () => boolean;

  constructor(driver: Driver, destination: string, ready: () => boolean) {
    this.#driver = driver;
    this.#destination = destination;
    this.#ready = ready;
  }

  async connect(
    target: StreamTarget,
    port: number,
    signal: AbortSignal,
    begun?: (stream: Duplex) => void,
  ): Promise<I2pStream> {
    if (!this.#ready()) throw new DialError('not-ready');
    try {
      const to = { destination: this.#destination, remote: targetHash(target), port };
      return await this.#driver.openStream(to, signal, begun);
    } catch (error) {
      throw new DialError(codeOf(error), { cause: error });
    }
  }
}

function codeOf(error: unknown): 'lease-set-not-found' | 'no-answer' | 'refused' | 'reset' | 'not-ready' {
  if (!(error instanceof StreamFailure)) return 'reset';
  switch (error.detail.reason) {
    case 'unreachable':
      return 'lease-set-not-found';
    case 'timeout':
      return 'no-answer';
    case 'peer':
      return 'refused';
    default:
      return error.code === 'stopped' ? 'not-ready' : 'reset';
  }
}
