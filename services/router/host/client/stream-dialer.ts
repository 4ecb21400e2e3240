import type { Duplex } from 'node:stream';
import type { StreamRefusal } from '@allium/common/contracts/streams.ts';
import { DialError } from '../../client/dial-error.ts';
import type { DestHash } from '../../wire/hash.ts';

export interface StreamDial {
  /** streams of different keys must not be linkable */
  readonly key: string;
  readonly target: DestHash;
  /** 1 to 65535 */
  readonly port: number;
  /** there are bytes to write at once: the SYN waits for them, and carries them */
  readonly early: boolean;
}

/** Opens I2P streams for local clients. */
export interface StreamDialer {
  /**
   * Resolves once the other side has answered. Rejects with `DialError`; after `signal` aborts, with anything, and
   * nothing stays open. Destroying the stream resets it, ending it closes it. `begun` gets the stream before that:
   * what is written to it does not wait for the answer.
   */
  connect(dial: StreamDial, signal: AbortSignal, begun: (stream: Duplex) => void): Promise<Duplex>;
}

/** Milliseconds for a stream to open: LeaseSet lookup through tunnels, then several SYNs with 9 s and more. */
export const DIAL_DEADLINE_MS = 150_000;

/** Dials under a deadline. Rejects with `DialError`; also when the client went away, with whatever code. */
export async function dialInTime(
  dialer: StreamDialer,
  dial: StreamDial,
  deadlineMs: number,
  gone: AbortSignal,
  begun: (stream: Duplex) => void,
): Promise<Duplex> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const either = AbortSignal.any([gone, deadline]);
  const dialled = dialer.connect(dial, either, begun);
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(new DialError('timeout'));
  either.addEventListener('abort', stop, { once: true });
  if (either.aborted) stop();
  try {
    const stream = await Promise.race([dialled, stopped.promise]);
    // The reader of a stream learns of errors through its own pipes; one that fails in between must not end the process.
    stream.on('error', () => {});
    return stream;
  } catch (error) {
    // A dialer that is deaf to its signal must not leave a stream behind.
    dialled.then(dropStream, () => {});
    if (deadline.aborted && !gone.aborted) throw new DialError('timeout', { cause: error });
    throw error instanceof DialError ? error : new DialError('reset', { cause: error });
  } finally {
    either.removeEventListener('abort', stop);
    stopped.promise.catch(() => {});
  }
}

export function dialRefusal(error: unknown): StreamRefusal {
  return error instanceof DialError ? error.code : 'reset';
}

function dropStream(stream: Duplex): void {
  stream.on('error', () => {});
  stream.destroy();
}
