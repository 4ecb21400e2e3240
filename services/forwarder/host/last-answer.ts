import type { Duplex } from 'node:stream';
import { endSoon } from '@allium/common/net/end-soon.ts';
import { headText } from '../http/encode.ts';
import type { Answer } from '../pages/answer.ts';
import { LINGER_MS } from './limits.ts';

/** The head of an answer that ends its connection. */
export function lastHead({ status, phrase, headers, body }: Answer): string {
  const framing = ['Content-Length', String(body.length), 'Connection', 'close'];
  return headText(`HTTP/1.1 ${status} ${phrase}`, [...headers, ...framing]);
}

/** An answer of our own on a bare socket, which ends with it. */
export function writeLast(socket: Duplex, answer: Answer): void {
  if (socket.writable) socket.write(lastHead(answer), 'latin1');
  endSoon(socket, answer.body, LINGER_MS);
}
