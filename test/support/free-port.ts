import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ListenOptions } from 'node:net';

/** Below it nobody listens without saying so; above, the kernel picks ports for connections and for port 0. */
const LOWEST = 12_000;
const TRIES = 200;

/**
 * A TCP port of 127.0.0.1 for a program that cannot be told port 0. It lies outside the range that the kernel picks
 * from, and no other process of these tests gets it while this one lives: an abstract socket name is the reservation.
 */
export async function freePort(): Promise<number> {
  const highest = firstEphemeral() - 1;
  for (let tries = 0; tries < TRIES; tries++) {
    const port = LOWEST + Math.floor(Math.random() * (highest - LOWEST));
    if (!(await listens({ path: `\0allium-test-port-${port}` }, 'stays'))) continue;
    if (await listens({ host: '127.0.0.1', port }, 'ends')) return port;
  }
  throw new Error(`no free port among ${TRIES} between ${LOWEST} and ${highest}`);
}

function firstEphemeral(): number {
  try {
    return Number(/^\d+/.exec(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'))?.[0]);
  } catch {
    // Elsewhere than on Linux: IANA's range.
    return 49_152;
  }
}

async function listens(where: ListenOptions, then: 'stays' | 'ends'): Promise<boolean> {
  const server = createServer((socket) => socket.destroy()).listen(where);
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  if (then === 'stays') server.unref();
  else await new Promise((resolve) => server.close(resolve));
  return true;
}
