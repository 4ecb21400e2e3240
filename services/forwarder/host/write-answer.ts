import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Answer } from '../pages/answer.ts';
import { pairsOf } from '../rules/raw-headers.ts';

/** Milliseconds that a client has to take the last answer and go. */
const LINGER_MS = 5_000;

/** Writes an answer of our own. `keep` says whether the connection may be used again. */
export function writeAnswer(response: ServerResponse, answer: Answer, keep: boolean): void {
  const kept = keep && !answer.close;
  response.sendDate = false;
  response.shouldKeepAlive = kept;
  response.writeHead(answer.status, answer.phrase, [
    ...answer.headers,
    ...['Content-Length', String(answer.body.length)],
    ...connectionHeaders(kept),
  ]);
  response.end(answer.body);
}

/** The same on a bare socket (CONNECT, parser errors); the connection ends. */
export function writeRawAnswer(socket: Duplex, answer: Answer): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const head = [
    `HTTP/1.1 ${answer.status} ${answer.phrase}`,
    ...pairsOf(answer.headers).map((pair) => pair.join(': ')),
  ];
  head.push(`Content-Length: ${answer.body.length}`, 'Connection: close');
  socket.on('error', () => {});
  socket.write(`${head.join('\r\n')}\r\n\r\n`, 'latin1');
  socket.end(answer.body);
  // What is still being sent is read away for a while, or the answer would be lost in a reset.
  socket.resume();
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(linger));
}

/** As Privoxy says it, and as HTTP/1.1 and 1.0 clients understand it. */
export function connectionHeaders(keep: boolean): string[] {
  return keep ? ['Connection', 'keep-alive', 'Proxy-Connection', 'keep-alive'] : ['Connection', 'close'];
}
