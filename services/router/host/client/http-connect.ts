import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { BoundedMap } from '@allium/common/core/bounded-map.ts';
import { splice } from '@allium/common/net/splice.ts';
import { dialErrorPage } from '../../client/error-pages.ts';
import { decideConnect } from '../../client/http-decision.ts';
import type { Naming } from '../../client/naming.ts';
import type { StreamTarget } from '../../client/target.ts';
import { targetHash } from '../../client/target.ts';
import type { DestHash } from '../../wire/hash.ts';
import { EarlyBytes } from './early-bytes.ts';
import type { SiteContext } from './http-site.ts';
import { dial, dialCode } from './stream-dialer.ts';
import { endWithPage } from './write-page.ts';

/** Destinations that are known to have no TLS; one entry is a hash and a time. */
const NO_TLS_MAX = 1000;

const ESTABLISHED = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n', 'latin1');

/** First byte of what a TLS server says: handshake or alert (RFC 8446 5.1). */
const TLS_RECORDS: readonly number[] = [0x16, 0x15];

/**
 * CONNECT. A browser in HTTPS-Only mode tries port 443 of every site first and, told 200 too early, tries more than
 * ten times: so 200 means that the stream is up, and a site that failed there is remembered and refused at once.
 */
export class ConnectRelay {
  readonly #context: SiteContext;
  readonly #naming: Naming;
  readonly #now: () => number;
  /** until when, in milliseconds */
  readonly #noTls = new BoundedMap<DestHash, number>(NO_TLS_MAX);

  constructor(context: SiteContext, naming: Naming, now: () => number) {
    this.#context = context;
    this.#naming = naming;
    this.#now = now;
  }

  /** Resolves in every case, with the client's connection on its way to its end. */
  async relay(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { method = '', url = '', rawHeaders: headers } = req;
    const decision = decideConnect({ method, url, headers }, this.#naming);
    if (decision.kind === 'page') {
      endWithPage(socket, decision.page);
      return;
    }
    const { target, port } = decision;
    if (port === 443 && this.#hasNoTls(target)) {
      endWithPage(socket, dialErrorPage('refused'));
      return;
    }
    await this.#join(target, port, socket, head);
  }

  async #join(target: StreamTarget, port: number, socket: Duplex, head: Buffer): Promise<void> {
    const { dialer, limits } = this.#context;
    const gone = new AbortController();
    const early = new EarlyBytes(socket, head, () => gone.abort());
    let stream: Duplex;
    try {
      stream = await dial({ dialer, target, port, deadlineMs: limits.dialMs, signal: gone.signal });
    } catch (error) {
      const code = dialCode(error);
      // `not-ready` says nothing about the site, and neither does a client that left.
      if (port === 443 && code !== 'not-ready' && !gone.signal.aborted) this.#rememberNoTls(target);
      endWithPage(socket, dialErrorPage(code));
      return;
    }
    early.release();
    socket.write(ESTABLISHED);
    const speaksTls = watchForTls(stream, socket);
    await splice(socket, stream, limits.idleMs);
    if (port === 443 && speaksTls() === false) this.#rememberNoTls(target);
  }

  #hasNoTls(target: StreamTarget): boolean {
    const until = this.#noTls.get(targetHash(target));
    return until !== undefined && this.#now() < until;
  }

  #rememberNoTls(target: StreamTarget): void {
    this.#noTls.set(targetHash(target), this.#now() + this.#context.limits.noTlsMs);
  }
}

/** Whether the site's first byte was TLS: false too when it left without one; `undefined` when the client left first. */
function watchForTls(stream: Duplex, socket: Duplex): () => boolean | undefined {
  let speaks: boolean | undefined;
  let settled = false;
  const settle = (verdict: boolean | undefined): void => {
    if (!settled) speaks = verdict;
    settled = true;
  };
  stream.once('data', (bytes: Buffer) => settle(TLS_RECORDS.includes(bytes[0] ?? 0)));
  stream.once('end', () => settle(false));
  stream.once('error', () => settle(false));
  socket.once('end', () => settle(undefined));
  socket.once('close', () => settle(undefined));
  return () => speaks;
}
