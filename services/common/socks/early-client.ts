import type { Socket } from 'node:net';
import { concatBytes } from '../bytes/compare.ts';
import { GatewayError } from '../bytes/errors.ts';
import { frameHead } from '../bytes/frames.ts';
import { FRAMES, type StreamRefusal, streamRefusal } from '../contracts/streams.ts';
import { type SocksAsk, SocksAsking, type SocksAskOutput, socks5Request } from './asking.ts';
import { SOCKS_COMMAND, type SocksLogin } from './messages.ts';
import type { SocksReply } from './replies.ts';

export type SocksFailureFacts =
  | {
      readonly code: 'refused';
      /** the server's reply code; `refusal` when it is one of the router's */
      readonly reply: number;
      readonly refusal?: StreamRefusal | undefined;
    }
  /** it spoke something else, or left without a word */
  | { readonly code: 'malformed' | 'closed' };
/** Why a SOCKS server gave no stream. Holds no name and no address. */
export class SocksFailure extends GatewayError<SocksFailureFacts> {}

export interface SocksGrant {
  readonly reply: SocksReply;
  /** the same as the server sent it */
  readonly raw: Uint8Array;
}

/**
 * Asks the SOCKS 5 server that `socket` leads to; `socket` may still be connecting. Resolves with the last reply and the
 * socket paused at the first byte behind it; rejects with `SocksFailure`, also when the socket is destroyed: the
 * deadline is the caller's, and so is the socket. Early bytes go with the request, and the caller may write more to the
 * socket without waiting when `atOnce` was asked for. `onReply` gets each reply that grants.
 */
export function askSocks(
  socket: Socket,
  ask: SocksAsk,
  onReply?: (grant: SocksGrant) => void,
): Promise<SocksGrant> {
  const asking = new SocksAsking(ask);
  const { promise, resolve, reject } = Promise.withResolvers<SocksGrant>();
  let last: SocksGrant | undefined;
  const follow = (output: SocksAskOutput): void => {
    switch (output.kind) {
      case 'send':
        socket.write(output.bytes);
        return;
      case 'reply':
        last = output;
        if (output.reply.code === 0) onReply?.(output);
        return;
      case 'done':
        detach();
        socket.pause();
        if (output.rest.length > 0) socket.unshift(output.rest);
        if (last?.reply.code === 0) resolve(last);
        else reject(refused(last?.reply.code ?? 1));
        return;
      case 'fault':
        detach();
        reject(new SocksFailure({ code: 'malformed' }));
        return;
    }
  };
  const take = (bytes: Buffer): void => {
    for (const output of asking.take(bytes)) follow(output);
  };
  const gone = (): void => {
    detach();
    reject(new SocksFailure({ code: 'closed' }));
  };
  const detach = (): void => void socket.off('data', take).off('end', gone).off('close', gone);
  socket.on('error', () => {});
  socket.on('data', take).once('end', gone).once('close', gone);
  socket.write(asking.start());
  return promise;
}

/** @param reply a code other than 0 */
export function refused(reply: number): SocksFailure {
  const refusal = streamRefusal(reply);
  return new SocksFailure({ code: 'refused', reply, refusal }, refusal ?? `SOCKS reply ${reply}`);
}

function loginOf({ key, framed = false }: Asking): SocksLogin | undefined {
  if (key === '' && !framed) return undefined;
  return { user: Buffer.from(key, 'latin1'), password: framed ? Buffer.from(FRAMES) : new Uint8Array(0) };
}

interface Asking {
  /** whose stream it is (contracts/streams.ts); a secret. Empty: nobody's */
  readonly key: string;
  /** the bytes of the stream are to be in frames (bytes/frames.ts), the early ones too */
  readonly framed?: boolean;
}

export interface EarlyDial extends Asking {
  /** a name below .i2p */
  readonly host: string;
  readonly port: number;
  /** travels with the SYN as far as it fits */
  readonly early?: Uint8Array;
}

/** Opens a stream at the router's `streams.sock`; see `askSocks`. Everything goes out in one write. */
export async function connectWithEarly(socket: Socket, dial: EarlyDial): Promise<void> {
  await askSocks(socket, streamAsk(dial));
}

/** What `streams.sock` is asked for a stream, for `SocksAsking`. */
export function streamAsk(dial: EarlyDial): SocksAsk {
  const { host, port, framed } = dial;
  const early =
    framed && dial.early?.length ? concatBytes(frameHead(dial.early.length), dial.early) : dial.early;
  const request = socks5Request(SOCKS_COMMAND.connect, host, port);
  const rest = early === undefined ? {} : { early };
  return { request, login: loginOf(dial), atOnce: true, replies: 1, ...rest };
}

export interface Visitor {
  /** the Destination of who came */
  readonly destination: Uint8Array;
  /** the port that was asked for */
  readonly port: number;
}

/**
 * Waits at `streams.sock` for one visitor of a service of the router's. Resolves when one is there, with the socket
 * paused at his first byte; rejects as `askSocks` does. `onKnown` gets the service's own Base32 name at once.
 */
export async function bindVisitor(
  socket: Socket,
  asking: Asking & { readonly service: string },
  onKnown?: (name: string) => void,
): Promise<Visitor> {
  const request = socks5Request(SOCKS_COMMAND.bind, asking.service, 0);
  const { reply } = await askSocks(
    socket,
    { request, login: loginOf(asking), atOnce: true, replies: 2 },
    ({ reply: { address } }) => {
      if (address.kind === 'name') onKnown?.(address.name);
    },
  );
  if (reply.address.kind !== 'visitor') throw new SocksFailure({ code: 'malformed' });
  return { destination: reply.address.destination, port: reply.port };
}
