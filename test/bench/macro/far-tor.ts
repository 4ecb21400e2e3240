/**
 * Tor's SocksPort with a distance in front of it, on TCP and reachable from the containers: i2pd knows no other
 * proxies. Both contenders come this way, so both pay the same for it. It runs in a process of its own, for bytes that
 * wait for the bench's own work would be later than they should.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDelayRelay } from '../../network/delay-relay.ts';
import { docker, PROJECT } from '../../network/docker.ts';
import type { Endpoint } from '../../network/fetching.ts';

export interface FarTor extends AsyncDisposable {
  readonly socks: Endpoint;
}

/** `delay` in ms each way. Throws when the relay cannot listen. */
export async function farTor(torSocksPath: string, delay: number): Promise<FarTor> {
  const host = await gatewayOf(`${PROJECT}_inside`);
  const child = fork(import.meta.filename, [host, torSocksPath, String(delay)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const [port] = (await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => Promise.reject(new Error(`the delay relay ended with code ${code}`))),
  ])) as [number];
  return {
    socks: { host, port },
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

/** The host's own address in a container network. */
async function gatewayOf(network: string): Promise<string> {
  return (
    await docker('network', 'inspect', '--format', '{{(index .IPAM.Config 0).Gateway}}', network)
  ).trim();
}

/** The child: relays until its parent lets go of it or dies. */
async function relay(host: string, torSocksPath: string, delay: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'allium-far-'));
  const far = await startDelayRelay({ from: join(folder, 'socks'), to: torSocksPath, delay });
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const socket = connect({ path: far.path, allowHalfOpen: true });
    near.pipe(socket).pipe(near);
    near.on('error', () => socket.destroy()).once('close', () => socket.destroySoon());
    socket.on('error', () => near.destroy()).once('close', () => near.destroySoon());
  });
  process.once('disconnect', async () => {
    await far.close();
    await rm(folder, { recursive: true, force: true });
    process.exit(0);
  });
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : undefined);
}

if (import.meta.main) {
  const [host = '', torSocksPath = '', delay = ''] = process.argv.slice(2);
  // A Ctrl-C reaches the whole group; the parent says when.
  process.on('SIGINT', () => {});
  await relay(host, torSocksPath, Number(delay));
}
