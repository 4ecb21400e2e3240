import { connect, type Socket } from 'node:net';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';

/** Milliseconds to reach a service on this machine. */
export const LOCAL_CONNECT_MS = 10_000;

/** Connects to a local service. Rejects when it does not answer. */
export async function connectLocal(target: ListenAddress, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const options = 'path' in target ? { path: target.path } : { host: target.host, port: target.port };
  const socket = connect({ ...options, allowHalfOpen: true, noDelay: true });
  const stopped = AbortSignal.any([signal, AbortSignal.timeout(LOCAL_CONNECT_MS)]);
  const stop = (): void => reject(new Error('not connected in time'));
  stopped.addEventListener('abort', stop, { once: true });
  if (stopped.aborted) stop();
  socket.once('connect', resolve);
  socket.on('error', reject);
  try {
    await promise;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    stopped.removeEventListener('abort', stop);
  }
}
