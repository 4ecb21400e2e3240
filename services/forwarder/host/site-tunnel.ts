import type { Duplex } from 'node:stream';
import { splice } from '@allium/common/net/splice.ts';
import type { RequestFacts } from '../rules/decide.ts';
import { noRouteAnswer, upstreamAnswer } from './answers.ts';
import type { Context } from './context.ts';
import { isLastingRefusal, streamErrorPage } from './i2p-sites.ts';
import { writeLast } from './last-answer.ts';
import { TUNNEL_IDLE_MS } from './limits.ts';
import { Opening } from './opening.ts';
import { asUpstreamError } from './upstream-error.ts';

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';
/** First byte of what a TLS server says: handshake or alert (RFC 8446 5.1). */
const TLS_RECORDS: readonly number[] = [0x16, 0x15];

/**
 * CONNECT to an I2P site. A browser in HTTPS-Only mode tries port 443 of every site first and, told 200 too early, tries
 * more than ten times: so 200 means that the stream is up, and a site that failed there is remembered.
 */
export async function tunnelToSite(client: Duplex, facts: RequestFacts, context: Context): Promise<void> {
  const site = await context.i2p?.prepare(facts);
  if (site?.kind !== 'site') {
    context.counters.add('i2p-page');
    writeLast(client, site?.kind === 'answer' ? site.answer : noRouteAnswer());
    return;
  }
  const early: Buffer | null = client.read();
  const stream = site.dial(early ?? undefined);
  const opening = new Opening(client, stream);
  const { url, origin } = facts;
  const remember = (): void => context.refusedPorts.add(origin, `${url.host}:${url.port}`, context.now());
  try {
    await stream.opened;
  } catch (error) {
    opening.release();
    // A client that left says nothing about the site.
    if (client.destroyed || client.readableEnded) {
      client.destroy();
      return;
    }
    if (isLastingRefusal(error)) remember();
    context.counters.add('connect-refused');
    writeLast(client, streamErrorPage(error) ?? upstreamAnswer(asUpstreamError(error).detail));
    return;
  }
  opening.release();
  context.counters.add('connect-open');
  client.write(ESTABLISHED);
  const speaksTls = watchForTls(stream.socket, client);
  await splice(client, stream.socket, TUNNEL_IDLE_MS);
  if (url.port === 443 && speaksTls() === false) remember();
}

/** Whether the site's first byte was TLS: false too when it left without one; `undefined` when the client left first. */
function watchForTls(stream: Duplex, client: Duplex): () => boolean | undefined {
  let speaks: boolean | undefined;
  let settled = false;
  const settle = (verdict: boolean | undefined): void => {
    if (!settled) speaks = verdict;
    settled = true;
  };
  stream.once('data', (bytes: Buffer) => settle(TLS_RECORDS.includes(bytes[0] ?? 0)));
  stream.once('end', () => settle(false));
  stream.once('error', () => settle(false));
  client.once('end', () => settle(undefined));
  client.once('close', () => settle(undefined));
  return () => speaks;
}
