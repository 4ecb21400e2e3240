import type { Duplex } from 'node:stream';
import { type DialCode, DialError } from '../../client/dial-error.ts';
import type { StreamTarget } from '../../client/target.ts';

/** Opens I2P streams for the local proxies. */
export interface StreamDialer {
  /**
   * Resolves once the other side has answered. `port` is 1 to 65535. Rejects with `DialError`; after `signal`
   * aborts, with anything, and nothing stays open. Destroying the stream resets it, ending it closes it.
   * `begun` gets the stream before that: what is written at once travels with the SYN and saves a round trip.
   */
  connect(
    target: StreamTarget,
    port: number,
    signal: AbortSignal,
    begun?: (stream: Duplex) => void,
  ): Promise<Duplex>;
}

/** Milliseconds for a stream to open: LeaseSet lookup through tunnels, then several SYNs with 9 s and more. */
export const DIAL_DEADLINE_MS = 150_000;

export interface DialRequest {
  readonly dialer: StreamDialer;
  readonly target: StreamTarget;
  readonly port: number;
  readonly deadlineMs: number;
  /** the client went away */
  readonly signal: AbortSignal;
  /** see `StreamDialer` */
  readonly begun?: (stream: Duplex) => void;
}

/** Dials under a deadline. Rejects with `DialError`; also when the client went away, with whatever code. */
export async function dial(request: DialRequest): Promise<Duplex> {
  const { dialer, target, port, deadlineMs, signal, begun } = request;
  const deadline = AbortSignal.timeout(deadlineMs);
  const either = AbortSignal.any([signal, deadline]);
  const dialled = dialer.connect(target, port, either, begun);
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
    if (deadline.aborted && !signal.aborted) throw new DialError('timeout', { cause: error });
    throw error instanceof DialError ? error : new DialError('reset', { cause: error });
  } finally {
    either.removeEventListener('abort', stop);
    stopped.promise.catch(() => {});
  }
}

export function dialCode(error: unknown): DialCode {
  return error instanceof DialError ? error.code : 'reset';
}

function dropStream(stream: Duplex): void {
  stream.on('error', () => {});
  stream.destroy();
}
