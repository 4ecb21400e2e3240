import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { toBase64 } from '@allium/common/bytes/text.ts';
import test from 'ava';
import { until } from '../../support/tcp.ts';
import { FakeRouter } from '../support/fake-router.ts';
import { destinationOf } from '../support/names-table.ts';
import { startOurs } from '../support/proxies.ts';

test('visitors of a service reach its Unix socket, one BIND for each, and more of them wait', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'allium-'));
  const path = join(folder, 'web.sock');
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((req, res) => {
    seen.push(req.headers);
    res.end('welcome');
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const router = await FakeRouter.start(t);
  router.services.add('web');
  const ours = await startOurs(`${router.line}allium-service web unix:${path} http example.org\n`);
  t.teardown(() => ours.stop());
  await until(t, () => router.waiting.length === 4);
  const { raw, base32 } = destinationOf('who comes');
  const visit = router.visit('web', raw);
  if (visit === undefined) return t.fail();
  visit.write('GET /x HTTP/1.1\r\nHost: a.b32.i2p\r\nX-I2P-DestB32: forged\r\nConnection: close\r\n\r\n');
  t.regex(await text(visit), /^HTTP\/1\.1 200 OK\r\n[\s\S]*welcome/);
  visit.end();
  t.like(seen[0], {
    host: 'example.org',
    'x-i2p-destb32': `${base32}.b32.i2p`,
    'x-i2p-desthash': toBase64(createHash('sha256').update(raw).digest()),
    'x-i2p-destb64': toBase64(raw),
  });
  await until(t, () => router.waiting.length === 4);
});

test('a service that the router does not have yet is asked for again', async (t) => {
  const router = await FakeRouter.start(t);
  const ours = await startOurs(`${router.line}allium-service late unix:/nonexistent/s tcp\n`);
  t.teardown(() => ours.stop());
  await until(t, () => ours.forwarder.counters.get('service-unbound') === 4);
  router.services.add('late');
  await until(t, () => router.waiting.length === 4);
});
