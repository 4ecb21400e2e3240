import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createLogger } from '@allium/common/observe/logger.ts';
import type { ExecutionContext } from 'ava';
import { type Forwarder, startForwarder } from '../../../services/forwarder/host/forwarder.ts';
import type { SocksLimits } from '../../../services/forwarder/host/limits.ts';
import { loadRules } from '../../../services/forwarder/host/load.ts';
import { writeFiles } from './proxies.ts';

export interface Doors {
  readonly forwarder: Forwarder;
  /** split by name */
  readonly both: number;
  /** I2P only */
  readonly i2pOnly: number;
}

/** The forwarder with both kinds of SOCKS door, as the image's configuration has them; ends with the test. */
export async function socksDoors(
  t: ExecutionContext,
  parents: { readonly i2p: string; readonly tor: string },
  more = '',
  socksLimits: Partial<SocksLimits> = {},
): Promise<Doors> {
  const folder = writeFiles(
    [
      'listen-address 127.0.0.1:1',
      `allium-router ${parents.i2p} unix:/nonexistent/names`,
      'forward .i2p 127.0.0.1:4444',
      `allium-socks 127.0.0.1:1 ${parents.tor}`,
      'allium-socks 127.0.0.1:2 .',
      more,
      '',
    ].join('\n'),
  );
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const { rules, warnings } = loadRules(join(folder, 'config'));
  // Ports of the system's choice, which no configuration may ask for.
  const listen = { host: '127.0.0.1', port: 0 };
  const doors = rules.settings.socksDoors.map((door) => ({ ...door, listen }));
  const settings = { ...rules.settings, listen: [listen], socksDoors: doors };
  const forwarder = await startForwarder({
    loaded: { rules: { ...rules, settings }, warnings },
    logger: createLogger('forwarder', 'silent'),
    socksLimits,
  });
  t.teardown(() => forwarder.stop());
  const [both = 0, i2pOnly = 0] = forwarder.socks.addresses.map((address) =>
    typeof address === 'object' && address !== null ? address.port : 0,
  );
  return { forwarder, both, i2pOnly };
}

export interface Asked {
  /** what came back, as hex, until it closed or fell silent */
  readonly answer: string;
  readonly closed: boolean;
  readonly socket: Socket;
}

export interface AskOptions {
  /** an address of the loopback */
  readonly from?: string;
  /** bytes that end the wait */
  readonly enough?: number;
  readonly quietMs?: number;
}

/** Sends bytes (hex) to a port of this machine and takes what comes back. The socket is the caller's to end. */
export function ask(port: number, hex: string, options: AskOptions = {}): Promise<Asked> {
  const { from, enough = Number.POSITIVE_INFINITY, quietMs = 3_000 } = options;
  const { promise, resolve } = Promise.withResolvers<Asked>();
  const socket = connect({ port, host: '127.0.0.1', ...(from === undefined ? {} : { localAddress: from }) });
  let answer = '';
  const done = (closed: boolean): void => {
    clearTimeout(quiet);
    socket.off('data', take);
    resolve({ answer, closed, socket });
  };
  const quiet = setTimeout(done, quietMs, false);
  const take = (chunk: Buffer): void => {
    answer += chunk.toString('hex');
    if (answer.length >= 2 * enough) done(false);
  };
  socket.on('error', () => {});
  socket.on('data', take);
  socket.once('close', () => done(true));
  socket.write(Buffer.from(hex, 'hex'));
  return promise;
}

const hexOf = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

/** SOCKS 5 with a login, or without one. */
export function socks5(
  name: string,
  login?: readonly [user: string, password: string],
  command = '01',
  port = 443,
): string {
  const size = (text: string): string => text.length.toString(16).padStart(2, '0');
  const greeting =
    login === undefined
      ? '050100'
      : `05020002${'01'}${size(login[0])}${hexOf(login[0])}${size(login[1])}${hexOf(login[1])}`;
  return `${greeting}05${command}0003${size(name)}${hexOf(name)}${port.toString(16).padStart(4, '0')}`;
}

export function socks4a(name: string, user = ''): string {
  return `040101bb0000000${'1'}${hexOf(user)}00${hexOf(name)}00`;
}
