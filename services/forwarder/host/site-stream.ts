import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { GatewayError } from '@allium/common/bytes/errors.ts';
import type { StreamRefusal } from '@allium/common/contracts/streams.ts';
import { Framed } from '@allium/common/net/framed.ts';
import { connectWithEarly, type EarlyDial, SocksFailure } from '@allium/common/socks/early-client.ts';

/** Milliseconds for the router to answer; its own deadline is shorter and tells more. */
export const OPEN_MS = 180_000;

export type StreamFacts =
  | { readonly code: 'refused'; readonly refusal: StreamRefusal }
  /** `streams.sock` is not there, or what answers is no router */
  | { readonly code: 'gone' };

/** Why there is no stream. Its message holds no name. */
export class StreamError extends GatewayError<StreamFacts> {}

/** A stream that is being opened. */
export interface SiteStream {
  /** may be written to at once; nothing is read before `opened`. Destroying it resets the stream, as the site's reset destroys it */
  readonly socket: Duplex;
  /** rejects with `StreamError`; the socket is destroyed then */
  readonly opened: Promise<void>;
}

/** Asks the router at `path` for a stream; `dial.early` travels with the SYN. Destroying the socket gives it up. */
export function openSite(path: string, dial: EarlyDial): SiteStream {
  const bare = connect({ path, allowHalfOpen: true });
  // One write for all that there is when the router is reached.
  bare.cork();
  bare.once('connect', () => bare.uncork());
  const socket = new Framed(bare);
  socket.on('error', () => {});
  const granted = connectWithEarly(bare, { ...dial, framed: true }).then(() => void socket.start());
  return { socket, opened: streamOpened(socket, granted) };
}

/** `granted` under the deadline for streams; rejects with `StreamError`, and the socket is destroyed then. */
export function streamOpened(socket: Duplex, granted: Promise<void>): Promise<void> {
  const opened = underDeadline(socket, granted);
  // Whoever has left needs no reason.
  opened.catch(() => {});
  return opened;
}

async function underDeadline(socket: Duplex, granted: Promise<void>): Promise<void> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    socket.destroy();
  }, OPEN_MS);
  try {
    await granted;
  } catch (error) {
    socket.destroy();
    throw late ? new StreamError({ code: 'refused', refusal: 'timeout' }) : asStreamError(error);
  } finally {
    clearTimeout(timer);
  }
}

function asStreamError(error: unknown): StreamError {
  const refusal =
    error instanceof SocksFailure && error.detail.code === 'refused' ? error.detail.refusal : undefined;
  return refusal === undefined
    ? new StreamError({ code: 'gone' })
    : new StreamError({ code: 'refused', refusal });
}
