import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { pairsOf, type RawHeaders } from '../../client/http-list.ts';
import { type Page, renderPage } from '../../client/pages.ts';

/** Milliseconds that a client has to read a last answer before its connection is cut. */
const LINGER_MS = 2_000;

/** Answers with a page of ours, or cuts the connection when another answer has begun. */
export function sendPage(res: ServerResponse, page: Page): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const { status, headers, body } = renderPage(page);
  res.writeHead(status, STATUS_CODES[status] ?? '', [...headers]);
  res.end(body);
}

/** The same on a bare connection, which ends with it. */
export function endWithPage(socket: Duplex, page: Page): void {
  const { status, headers, body } = renderPage(page);
  const head = formatHead(status, [...headers, 'Connection', 'close']);
  endSoon(socket, Buffer.concat([head, body]));
}

/**
 * Writes, closes and reads on a little: unread input would turn the close into a reset that eats the answer.
 * Whoever does not close in turn is cut.
 */
export function endSoon(socket: Duplex, bytes: Uint8Array): void {
  if (socket.destroyed) return;
  socket.on('error', () => {});
  if (socket.writable) socket.end(bytes);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Status line and headers as bytes. The values come from node:http's parser or from us: neither holds a line end. */
export function formatHead(status: number, headers: RawHeaders): Buffer {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (const [name, value] of pairsOf(headers)) text += `${name}: ${value}\r\n`;
  return Buffer.from(`${text}\r\n`, 'latin1');
}
