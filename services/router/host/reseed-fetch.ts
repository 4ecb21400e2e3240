import { request } from 'node:https';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import type { ReseedServer } from '../netdb/reseed-servers.ts';
import { MAX_SU3_SIZE } from '../netdb/su3.ts';
import { dialThroughSocks } from './socks-dialer.ts';

/** Milliseconds for one server: Tor circuit, TLS, and about 100 kB. */
export const FETCH_TIMEOUT_MS = 60_000;
/** Reseed servers answer this agent only; every I2P router sends it (Reseed Hosts). */
const USER_AGENT = 'Wget/1.11.4';

export type FetchFailureFacts = {
  readonly code: 'dial' | 'tls' | 'pin' | 'status' | 'too-large' | 'broken' | 'timeout';
};
export class FetchFailure extends GatewayError<FetchFailureFacts> {}

/**
 * One server's SU3 file over HTTPS through Tor; the name is resolved by Tor, each server has a circuit of its own.
 * Throws `FetchFailure`.
 */
export async function fetchReseedBundle(
  server: ReseedServer,
  netId: number,
  proxy: ListenAddress,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const url = new URL(`i2pseeds.su3?netid=${netId}`, server.url);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]);
  const port = url.port === '' ? 443 : Number(url.port);
  let socket: TLSSocket | undefined;
  try {
    const target = { host: url.hostname, port, isolation: `reseed-${url.hostname}` };
    const raw = await dialThroughSocks(proxy, target, deadline, FETCH_TIMEOUT_MS).catch(() => fail('dial'));
    socket = connectTls({
      socket: raw,
      servername: url.hostname,
      ALPNProtocols: ['http/1.1'],
      ...(server.tlsCertificatePem === undefined ? {} : { ca: [server.tlsCertificatePem] }),
    });
    await handshake(socket, server);
    return await download(socket, url, deadline);
  } catch (error) {
    if (deadline.aborted) throw new FetchFailure({ code: 'timeout' });
    throw error instanceof FetchFailure ? error : new FetchFailure({ code: 'broken' });
  } finally {
    socket?.destroy();
  }
}

async function handshake(socket: TLSSocket, server: ReseedServer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('secureConnect', resolve);
  socket.once('error', () => reject(new FetchFailure({ code: 'tls' })));
  socket.once('close', () => reject(new FetchFailure({ code: 'tls' })));
  await promise;
  if (server.tlsFingerprint === undefined) return;
  if (socket.getPeerCertificate().fingerprint256 !== server.tlsFingerprint) fail('pin');
}

async function download(socket: TLSSocket, url: URL, signal: AbortSignal): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const get = request(url, {
    createConnection: () => socket,
    headers: { 'user-agent': USER_AGENT, connection: 'close' },
    maxHeaderSize: 16_384,
    signal,
  });
  get.once('error', reject);
  get.once('response', (response) => {
    if (response.statusCode !== 200) return reject(new FetchFailure({ code: 'status' }));
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= MAX_SU3_SIZE) return;
      response.destroy();
      reject(new FetchFailure({ code: 'too-large' }));
    });
    response.once('error', reject);
    response.once('end', () => {
      if (response.complete) resolve(Buffer.concat(chunks));
      else reject(new FetchFailure({ code: 'broken' }));
    });
  });
  get.end();
  return promise;
}

function fail(code: FetchFailureFacts['code']): never {
  throw new FetchFailure({ code });
}
