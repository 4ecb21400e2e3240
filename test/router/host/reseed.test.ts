import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { reseed } from '../../../services/router/host/reseed.ts';
import { FetchFailure, fetchReseedBundle } from '../../../services/router/host/reseed-fetch.ts';
import { MIN_ROUTERS } from '../../../services/router/netdb/reseed.ts';
import type { ReseedServer } from '../../../services/router/netdb/reseed-servers.ts';
import { MAX_SU3_SIZE } from '../../../services/router/netdb/su3.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { socksServer } from '../../support/socks-server.ts';
import { makeRouter, NET_ID, NOW } from '../netdb/make.ts';
import { rsaSigner, selfSigned } from '../netdb/make-su3.ts';

const folder = mkdtempSync(join(tmpdir(), 'allium-reseed-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
const HOST = 'reseed.test';
const never = new AbortController().signal;
const signer = rsaSigner(2048);
const day = 86_400_000;
const certificate = selfSigned(signer, HOST, Date.now() - day, Date.now() + day);
const trusted: ReseedServer = { url: `https://${HOST}/`, signerId: 'x', tlsCertificatePem: certificate };
let count = 0;

/** An HTTPS server behind a SOCKS server, as reseed servers stand behind Tor. */
async function behindTor(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const key = signer.privateKey.export({ format: 'pem', type: 'pkcs8' });
  const https: Server = createServer({ key, cert: certificate }, answer).listen(0, '127.0.0.1');
  await once(https, 'listening');
  const path = join(folder, `tor-${count++}.sock`);
  const { server, asked } = await socksServer(path, { forwardTo: (https.address() as AddressInfo).port });
  const stop = (): void => {
    https.closeAllConnections();
    https.close();
    server.close();
  };
  return { proxy: { path }, asked, stop };
}

test('a bundle is fetched by name through Tor, with a circuit of its own and the agent that servers expect', async (t) => {
  const requests: string[] = [];
  const tor = await behindTor((req, res) => {
    requests.push(`${req.url} ${req.headers['user-agent']}`);
    res.end('bundle');
  });
  const bytes = await fetchReseedBundle(trusted, 99, tor.proxy, never);
  t.is(Buffer.from(bytes).toString(), 'bundle');
  t.deepEqual(requests, ['/i2pseeds.su3?netid=99 Wget/1.11.4']);
  t.deepEqual(tor.asked, [`reseed-${HOST} 3 ${HOST}:443`]);
  tor.stop();
});

const failures: [string, FetchFailure['code'], ReseedServer, (res: ServerResponse) => void][] = [
  ['a certificate of nobody we trust', 'tls', { url: `https://${HOST}/`, signerId: 'x' }, (res) => res.end()],
  ['a certificate of another name', 'tls', { ...trusted, url: 'https://other.test/' }, (res) => res.end()],
  [
    'another certificate than the pinned one',
    'pin',
    { ...trusted, tlsFingerprint: 'AA:BB' },
    (res) => res.end(),
  ],
  ['an error page', 'status', trusted, (res) => res.writeHead(403).end('no')],
  ['an endless file', 'too-large', trusted, (res) => void res.end(Buffer.alloc(MAX_SU3_SIZE + 1))],
  [
    'half a file',
    'broken',
    trusted,
    (res) => res.writeHead(200, { 'content-length': 9 }).write('x', () => res.destroy()),
  ],
];
for (const [what, code, server, answer] of failures) {
  test(`refused: ${what}`, async (t) => {
    const tor = await behindTor((_req, res) => answer(res));
    const error = await t.throwsAsync(fetchReseedBundle(server, 99, tor.proxy, never), {
      instanceOf: FetchFailure,
    });
    t.is((error as FetchFailure).code, code);
    tor.stop();
  });
}

test('without Tor nothing is asked', async (t) => {
  const attempt = fetchReseedBundle(trusted, 99, { path: join(folder, 'none.sock') }, never);
  t.is(((await t.throwsAsync(attempt, { instanceOf: FetchFailure })) as FetchFailure).code, 'dial');
});

test('a folder of RouterInfos is enough, and a damaged one among them is left out', async (t) => {
  const dir = join(folder, 'netdb');
  mkdirSync(join(dir, 'rA'), { recursive: true });
  const routers = ['a', 'b', 'c'].map((seed) => makeRouter(seed));
  for (const { hash, raw } of routers) writeFileSync(join(dir, 'rA', `routerInfo-${hash}.dat`), raw);
  writeFileSync(join(dir, 'routerInfo-damaged.dat'), Buffer.alloc(400, 1));
  writeFileSync(join(dir, 'notes.txt'), 'x');
  const found = await reseed(parts([dir]));
  t.deepEqual(found.map(({ hash }) => hash).sort(), routers.map(({ hash }) => hash).sort());
});

test('a file that is not there, and an SU3 file that is none, are told by their path', async (t) => {
  await t.throwsAsync(reseed(parts([join(folder, 'gone')])), { message: /gone: ENOENT/ });
  const file = join(folder, 'x.su3');
  writeFileSync(file, 'not an SU3 file');
  await t.throwsAsync(reseed(parts([file])), { message: /reseed: format/ });
});

test('files that are too old or damaged keep nobody from the servers, nor from the other files', async (t) => {
  const dir = join(folder, 'old');
  mkdirSync(dir);
  const old = makeRouter('old', { published: NOW - 15 * day });
  const good = makeRouter('good');
  for (const { hash, raw } of [old, good]) writeFileSync(join(dir, `routerInfo-${hash}.dat`), raw);
  writeFileSync(join(dir, 'a.su3'), 'not an SU3 file');
  const steps: string[] = [];
  const progress = ({ failed }: { failed?: string }): void => void steps.push(failed ?? 'ok');
  const alone = await reseed({ ...parts([dir]), progress });
  t.deepEqual([alone.map(({ hash }) => hash), steps], [[good.hash], ['format']]);
  const asked = await reseed({ ...parts([dir]), servers: true, progress });
  t.deepEqual(
    asked.map(({ hash }) => hash),
    [good.hash],
  );
  t.true(steps.filter((step) => step === 'dial').length >= 8, 'the servers were asked');
  await t.throwsAsync(reseed({ ...parts([join(dir, 'a.su3')]), servers: true }), { message: /few-bundles/ });
});

test('enough routers in files are enough: no server is asked', async (t) => {
  const dir = join(folder, 'many');
  mkdirSync(dir);
  for (let i = 0; i < MIN_ROUTERS; i++) {
    const { hash, raw } = makeRouter(`many ${i}`);
    writeFileSync(join(dir, `routerInfo-${hash}.dat`), raw);
  }
  const progress = (): void => t.fail();
  t.is((await reseed({ ...parts([dir]), servers: true, progress })).length, MIN_ROUTERS);
});

test('when no server can be reached, every signer is tried once and the failures are named', async (t) => {
  const steps: string[] = [];
  const attempt = reseed({
    ...parts([]),
    servers: true,
    progress: ({ failed }) => void steps.push(failed ?? 'ok'),
  });
  await t.throwsAsync(attempt, { message: /few-bundles/ });
  t.true(steps.length >= 8);
  t.true(steps.every((step) => step === 'dial'));
});

function parts(files: string[]): Parameters<typeof reseed>[0] {
  return {
    files,
    servers: false,
    rules: { netId: NET_ID, allowPrivateAddresses: true },
    proxy: { path: join(folder, 'none.sock') },
    random: recordedEntropy('reseed'),
    now: () => NOW,
    signal: never,
    progress: () => {},
  };
}
