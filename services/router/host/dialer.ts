import type { Duplex } from 'node:stream';
import type { StreamRefusal } from '@allium/common/contracts/streams.ts';
import { DialError } from '../client/dial-error.ts';
import type { DestinationId } from '../node/node-io.ts';
import type { StreamDial, StreamDialer } from './client/stream-dialer.ts';
import type { Driver } from './driver.ts';
import { type I2pStream, StreamFailure } from './i2p-stream.ts';

/** The local Destination that a key's streams come from; undefined while it has no tunnels. */
export type ChooseDestination = (key: string) => DestinationId | undefined;

/** Opens streams of local Destinations. */
export class DestinationDialer implements StreamDialer {
  readonly #driver: Driver;
  readonly #choose: ChooseDestination;

  constructor(driver: Driver, choose: ChooseDestination) {
    this.#driver = driver;
    this.#choose = choose;
  }

  async connect(
    { key, target: remote, port, early: awaitData }: StreamDial,
    signal: AbortSignal,
    begun: (stream: Duplex) => void,
  ): Promise<I2pStream> {
    const destination = this.#choose(key);
    if (destination === undefined) throw new DialError('not-ready');
    try {
      return await this.#driver.openStream({ destination, remote, port, awaitData }, signal, begun);
    } catch (error) {
      throw new DialError(codeOf(error), { cause: error });
    }
  }
}

function codeOf(error: unknown): StreamRefusal {
  if (!(error instanceof StreamFailure)) return 'reset';
  switch (error.detail.reason) {
    case 'unreachable':
      return 'lease-set-not-found';
    case 'unsupported':
      return 'unsupported';
    case 'overflow':
      return 'busy';
    case 'timeout':
      return 'no-answer';
    case 'peer':
      return 'refused';
    default:
      return error.code === 'stopped' ? 'not-ready' : 'reset';
  }
}
