import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { METHODS } from '../../../services/forwarder/http/methods.ts';
import { until } from '../../support/tcp.ts';
import { FakeRouter } from '../support/fake-router.ts';
import { destinationOf } from '../support/names-table.ts';
import { RecordingParent } from '../support/recording-parent.ts';
import { SITE_B32 } from '../support/site-rig.ts';
import { socks5, socksDoors } from '../support/socks-doors.ts';

/** Known to UPnP, to caches, to drafts, to HTTP/2, to nobody; and one that is known, but not in this case. */
const UNKNOWN = ['M-SEARCH', 'PURGE', 'QUERY', 'LINK', 'SOURCE', 'PRI', 'FROB', 'get'];
/** CONNECT asks for a tunnel; TRACE would have a site say what was hidden from the browser. */
const PLAIN = [...METHODS].filter((method) => method !== 'CONNECT' && method !== 'TRACE');

interface Way {
  readonly name: string;
  /** one server each, so that what it hears came this way */
  readonly server: RecordingParent;
  /** Sends one request with `method`; all that comes back. */
  readonly ask: (method: string) => Promise<string>;
}

/** Every way that HTTP comes in. */
async function ways(t: ExecutionContext): Promise<Way[]> {
  const router = await FakeRouter.start(t);
  router.services.add('web');
  const folder = mkdtempSync(join(tmpdir(), 'allium-'));
  const path = join(folder, 'web.sock');
  const [parent, site, service] = await Promise.all([
    RecordingParent.start(),
    RecordingParent.start(),
    RecordingParent.start(path),
  ]);
  router.ports.set(80, site.port);
  t.teardown(async () => {
    await Promise.all([parent, site, service].map((server) => server.stop()));
    rmSync(folder, { recursive: true });
  });
  const more = [
    router.line.trim(),
    `forward / 127.0.0.1:${parent.port}`,
    'forward .i2p 127.0.0.1:4444',
    `allium-service web unix:${path} http`,
  ].join('\n');
  const parents = { i2p: `unix:${router.streamsPath}`, tor: 'unix:/nonexistent/tor' };
  const { forwarder, i2pOnly } = await socksDoors(t, parents, more);
  const [address] = forwarder.door.addresses;
  const http = typeof address === 'object' && address !== null ? address.port : 0;

  const over = (stream: Duplex, method: string, target: string): Promise<string> => {
    stream.on('error', () => {});
    const answer = text(stream);
    stream.write(`${method} ${target} HTTP/1.1\r\nHost: ${SITE_B32}\r\nConnection: close\r\n\r\n`);
    return answer.finally(() => stream.destroy());
  };
  const dial = (port: number, first = ''): Duplex => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write(first, 'latin1');
    return socket;
  };
  const visit = async (): Promise<Duplex> => {
    await until(t, () => router.waiting.length > 0);
    return router.visit('web', destinationOf('who comes').raw) ?? t.fail();
  };
  const request = Buffer.from(socks5(SITE_B32, undefined, '01', 80), 'hex').toString('latin1');
  const connect80 = `CONNECT ${SITE_B32}:80 HTTP/1.1\r\nHost: ${SITE_B32}:80\r\n\r\n`;
  return [
    { name: 'proxy', server: parent, ask: (method) => over(dial(http), method, 'http://site.example/') },
    { name: 'proxy, I2P', server: site, ask: (method) => over(dial(http), method, `http://${SITE_B32}/`) },
    { name: 'CONNECT to 80', server: site, ask: (method) => over(dial(http, connect80), method, '/') },
    { name: 'SOCKS, port 80', server: site, ask: (method) => over(dial(i2pOnly, request), method, '/') },
    { name: 'service', server: service, ask: async (method) => over(await visit(), method, '/') },
  ];
}

/** Of the last answer: CONNECT's own is in front. */
function statusOf(answer: string): string {
  return (
    answer
      .match(/HTTP\/1\.1 \d{3}/g)
      ?.at(-1)
      ?.slice(-3) ?? 'none'
  );
}

test('every method that is known passes every door, and is the same behind it', async (t) => {
  for (const { name, server, ask } of await ways(t)) {
    for (const method of PLAIN) {
      t.is(statusOf(await ask(method)), '200', `${name}: ${method}`);
      t.is(server.take().split(' ')[0], method, name);
    }
  }
});

test('every other method is refused at every door, and nobody hears of it', async (t) => {
  for (const { name, server, ask } of await ways(t)) {
    for (const method of UNKNOWN) {
      t.is(statusOf(await ask(method)), '400', `${name}: ${method}`);
      t.is(server.take(), '', name);
    }
  }
});
