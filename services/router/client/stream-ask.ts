import { FRAMES, STREAM_REFUSALS } from '@allium/common/contracts/streams.ts';
import { SOCKS_COMMAND } from '@allium/common/socks/messages.ts';
import { SOCKS5_REPLY } from '@allium/common/socks/replies.ts';
import type { SocksAsked } from '@allium/common/socks/server.ts';
import { sortHostName } from '@allium/common/text/i2p-name.ts';

/** What a client of `streams.sock` asks for (contracts/streams.ts). */
export type StreamAsk =
  | { readonly kind: 'connect'; readonly key: string; readonly host: string; readonly port: number }
  | { readonly kind: 'bind'; readonly service: string }
  /** `code`: the reply */
  | { readonly kind: 'refuse'; readonly code: number };

/** Whether the bytes of the stream are in frames. */
export function wantsFrames({ login }: SocksAsked): boolean {
  return Buffer.from(login?.password ?? []).toString('latin1') === FRAMES;
}

export function readStreamAsk({ request, login }: SocksAsked): StreamAsk {
  const { command, host, port } = request;
  if (host === undefined) return { kind: 'refuse', code: SOCKS5_REPLY.addressType };
  switch (command) {
    case SOCKS_COMMAND.connect: {
      if (port === 0) return { kind: 'refuse', code: SOCKS5_REPLY.notAllowed };
      const key = Buffer.from(login?.user ?? []).toString('latin1');
      return refusalOf(host) ?? { kind: 'connect', key, host, port };
    }
    case SOCKS_COMMAND.bind:
      return { kind: 'bind', service: host };
    default:
      return { kind: 'refuse', code: SOCKS5_REPLY.command };
  }
}

/** What no address book is asked for. */
function refusalOf(host: string): StreamAsk | undefined {
  const { kind } = sortHostName(host);
  if (kind === 'encrypted') return { kind: 'refuse', code: STREAM_REFUSALS.encrypted };
  const good = kind === 'base32' || kind === 'name';
  return good ? undefined : { kind: 'refuse', code: STREAM_REFUSALS['invalid-name'] };
}
