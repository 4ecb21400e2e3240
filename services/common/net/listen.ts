import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { GatewayError } from '../bytes/errors.ts';
import type { ListenAddress } from './listen-address.ts';

/** Only the owner and the group (the containers that share it) may connect. */
const SOCKET_MODE = 0o660;

export type ListenErrorFacts = { readonly code: 'in-use' | 'not-a-socket' | 'not-allowed' | 'unavailable' };
export class ListenError extends GatewayError<ListenErrorFacts> {}

/**
 * Starts listening; a left-over socket file is removed only when nobody answers on it. `backlog`: connections that the
 * kernel keeps until they are accepted. Throws `ListenError`.
 */
export async function listen(server: Server, address: ListenAddress, backlog?: number): Promise<void> {
  if ('path' in address) await removeStale(address.path);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, address)));
  server.listen({ ...address, ...(backlog === undefined ? {} : { backlog }) }, resolve);
  await promise;
  if ('path' in address) await chmod(address.path, SOCKET_MODE);
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket())
    throw new ListenError({ code: 'not-a-socket' }, `${path} exists and is not a socket`);
  if (await answers(path))
    throw new ListenError({ code: 'in-use' }, `${path}: another process listens there`);
  await unlink(path);
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = connect(path);
  probe.once('connect', () => resolve(true));
  probe.once('error', () => resolve(false));
  return promise.finally(() => probe.destroy());
}

function listenError(error: NodeJS.ErrnoException, address: ListenAddress): ListenError {
  const where = 'path' in address ? address.path : `${address.host}:${address.port}`;
  if (error.code === 'EADDRINUSE') return new ListenError({ code: 'in-use' }, `${where} is in use`);
  if (error.code === 'EACCES') return new ListenError({ code: 'not-allowed' }, `${where}: permission denied`);
  return new ListenError({ code: 'unavailable' }, `${where}: ${error.code ?? error.message}`);
}
