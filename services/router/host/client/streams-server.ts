import { createServer } from 'node:net';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import { ClientCounts } from '@allium/common/net/client-counts.ts';
import { SOCKS_HANDSHAKE_MS } from '@allium/common/socks/server.ts';
import type { AddressBook } from '../../names/address-book.ts';
import { type RunningServer, runServer } from './running-server.ts';
import type { ServiceDesk } from './service-desk.ts';
import { DIAL_DEADLINE_MS, type StreamDialer } from './stream-dialer.ts';
import { StreamsConnection } from './streams-connection.ts';

/** Times in milliseconds. */
export interface StreamsLimits {
  readonly handshakeMs: number;
  readonly dialMs: number;
  /** Without a byte either way: who asked for the stream decides what is idle, this only ends what was forgotten. */
  readonly idleMs: number;
  /** connections at once, whatever they ask for; more are dropped */
  readonly connections: number;
  /** streams at once that were asked for, opening ones among them; more are refused as busy */
  readonly streams: number;
  /** the same, of one key */
  readonly streamsPerKey: number;
}

export const STREAMS_LIMITS: StreamsLimits = {
  handshakeMs: SOCKS_HANDSHAKE_MS,
  dialMs: DIAL_DEADLINE_MS,
  idleMs: 7 * 24 * 3_600_000,
  connections: 4_096,
  streams: 2_048,
  streamsPerKey: 512,
};

export interface StreamsServerOptions {
  readonly dialer: StreamDialer;
  readonly names: Pick<AddressBook, 'resolve'>;
  readonly desk: ServiceDesk;
  readonly limits?: Partial<StreamsLimits>;
  /** milliseconds; `Date.now` when absent */
  readonly now?: () => number;
}

/** What the connections of one server share. */
export interface StreamsContext extends StreamsServerOptions {
  readonly limits: StreamsLimits;
  readonly now: () => number;
  readonly counts: ClientCounts;
}

/** Starts the server of contracts/streams.ts. Nothing of it logs. Throws `ListenError`. */
export function startStreamsServer(
  address: ListenAddress,
  options: StreamsServerOptions,
): Promise<RunningServer> {
  const limits = { ...STREAMS_LIMITS, ...options.limits };
  const counts = new ClientCounts({ perClient: limits.streamsPerKey, total: limits.streams });
  const context = { ...options, limits, counts, now: options.now ?? Date.now };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    new StreamsConnection(socket, context).start();
  });
  server.maxConnections = limits.connections;
  return runServer(server, address);
}
