import { connect, createServer, type Socket } from 'node:net';
import type { ListenAddress } from '@allium/common/lifecycle/listen.ts';
import { connectWithEarly, type EarlyDial } from '@allium/common/socks/early-client.ts';
import type { ExecutionContext } from 'ava';
import type { VisitorLimits } from '../../../../services/router/client/visitors.ts';
import { ServiceDesk } from '../../../../services/router/host/client/service-desk.ts';
import {
  type StreamsLimits,
  startStreamsServer,
} from '../../../../services/router/host/client/streams-server.ts';
import { AddressBook } from '../../../../services/router/names/address-book.ts';
import { listening } from '../../../support/tcp.ts';
import { FakeDialer, SITE, SITE_B32, tcp } from './fake-i2p.ts';

export interface StreamsRig {
  readonly dialer: FakeDialer;
  readonly desk: ServiceDesk;
  readonly book: AddressBook;
  readonly where: { readonly host: string; readonly port: number };
  /** a connection to the server */
  readonly dial: () => Socket;
}

/** An echo service at port 7 of `site.i2p`, and a service of ours named `shop`, behind a server of streams. */
export async function startStreams(
  t: ExecutionContext,
  limits: Partial<StreamsLimits> = {},
  visitors: Partial<VisitorLimits> = {},
  listen: ListenAddress = { host: '127.0.0.1', port: 0 },
): Promise<StreamsRig> {
  const dialer = new FakeDialer();
  const echo = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  dialer.ports.set(7, await listening(t, echo));
  const book = new AddressBook();
  book.setHosts(new Map([['site.i2p', SITE.hash]]));
  const desk = new ServiceDesk(() => performance.now(), visitors);
  desk.open('shop', SITE_B32);
  const running = await startStreamsServer(listen, { dialer, names: book, desk, limits });
  t.teardown(async () => {
    await desk.stop();
    await running.stop();
  });
  const where = tcp(running.address);
  const dial = (): Socket => {
    const socket = connect({ ...where, allowHalfOpen: true });
    t.teardown(() => void socket.destroy());
    return socket;
  };
  return { dialer, desk, book, where, dial };
}

export async function through(rig: StreamsRig, dial: Partial<EarlyDial> = {}): Promise<Socket> {
  const socket = rig.dial();
  await connectWithEarly(socket, { key: 'k', host: 'site.i2p', port: 7, ...dial });
  return socket;
}
