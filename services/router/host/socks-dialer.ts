import { connect, type Socket } from 'node:net';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import { keepEarlyBytes } from '@allium/common/net/early-bytes.ts';
import { socksConnect } from '@allium/common/socks/client.ts';
import { SocksClientError } from 'socks';

/** Milliseconds for Tor to open a stream: circuit building included. */
export const DIAL_TIMEOUT_MS = 20_000;

export type DialFailureFacts = {
  /** `proxy`: Tor itself cannot be reached; `circuit`: Tor, or a relay of it, could not; `refused`: Tor answered that it could not open the stream */
  readonly code: 'proxy' | 'circuit' | 'refused' | 'timeout' | 'aborted';
};
export class DialFailure extends GatewayError<DialFailureFacts> {}

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** streams of one user name share circuits, others never do (Tor's IsolateSOCKSAuth) */
  readonly isolation: string;
}

/** Opens a TCP stream through Tor's SocksPort, the router's only way out. Throws `DialFailure`. */
export async function dialThroughSocks(
  proxy: ListenAddress,
  target: DialTarget,
  signal: AbortSignal,
  timeoutMs = DIAL_TIMEOUT_MS,
): Promise<Socket> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const socket = 'path' in proxy ? connect(proxy.path) : connect(proxy.port, proxy.host);
  const abort = (): void => void socket.destroy(new Error('dial aborted'));
  deadline.addEventListener('abort', abort, { once: true });
  try {
    deadline.throwIfAborted();
    await connected(socket);
    const { host, port, isolation } = target;
    socket.setNoDelay();
    await socksConnect(socket, {
      destination: { host, port },
      version: 5,
      user: isolation,
      password: isolation,
    });
    await keepEarlyBytes(socket);
    return socket;
  } catch (error) {
    socket.on('error', () => {});
    socket.destroy();
    if (signal.aborted) throw new DialFailure({ code: 'aborted' });
    if (deadline.aborted) throw new DialFailure({ code: 'timeout' });
    if (error instanceof DialFailure) throw error;
    throw new DialFailure({ code: codeOf(error) });
  } finally {
    deadline.removeEventListener('abort', abort);
  }
}

/**
 * Reply codes 1 and 3 are about Tor: it has no circuit, no network, sleeps, or lost the circuit (its
 * `stream_end_reason_to_socks5_response`). The package tells codes by name only.
 */
const TORS_OWN = / - (?:Failure|NetworkUnreachable)$/;

function codeOf(error: unknown): DialFailureFacts['code'] {
  if (!(error instanceof SocksClientError)) return 'proxy';
  return TORS_OWN.test(error.message) ? 'circuit' : 'refused';
}

function connected(socket: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('connect', resolve);
  socket.once('error', () => reject(new DialFailure({ code: 'proxy' })));
  return promise;
}
