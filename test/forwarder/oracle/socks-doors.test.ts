import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { eventually, must } from '../../support/eventually.ts';
import { startOurs } from '../support/proxies.ts';
import { RealTor, type StreamWatch, torTest } from '../support/real-tor.ts';
import { ask, type Doors, socks4a, socks5, socksDoors } from '../support/socks-doors.ts';
import { SocksServer } from '../support/socks-server.ts';

const test = torTest();

interface Rig extends Doors {
  readonly tor: RealTor;
  readonly watch: StreamWatch;
  readonly i2p: SocksServer;
}

async function rig(t: ExecutionContext): Promise<Rig> {
  const tor = await RealTor.start();
  t.teardown(() => tor.stop());
  const watch = await tor.watch();
  t.teardown(() => watch.end());
  const path = join(tmpdir(), `allium-${randomBytes(6).toString('hex')}.sock`);
  const i2p = await SocksServer.start(0, path);
  t.teardown(() => i2p.stop());
  return { tor, watch, i2p, ...(await socksDoors(t, { i2p: `unix:${path}`, tor: `127.0.0.1:${tor.port}` })) };
}

async function streams(watch: StreamWatch, count: number): Promise<StreamWatch['streams']> {
  return await eventually(`${count} requests at Tor`, 10_000, () => {
    must(watch.streams.length >= count, watch.text);
    return watch.streams;
  });
}

test('Tor sees the login and a source address for each client, and isolates by both', async (t) => {
  const { both, watch } = await rig(t);
  const asked = await Promise.all([
    ask(both, socks5('example.org', ['first.example:0', 'pw']), { from: '127.0.0.5', quietMs: 500 }),
    ask(both, socks5('example.org'), { from: '127.9.8.7', quietMs: 500 }),
  ]);
  const seen = (await streams(watch, 2)).toSorted((a, b) => a.from.localeCompare(b.from));
  t.deepEqual(seen, [
    { target: 'example.org:443', from: '127.0.0.5', user: 'first.example:0', password: 'pw' },
    { target: 'example.org:443', from: '127.9.8.7', user: undefined, password: undefined },
  ]);
  t.regex(watch.text, /ISO_FIELDS=SOCKS_USERNAME,SOCKS_PASSWORD,CLIENTADDR,/);
  for (const { socket } of asked) socket.destroy();
});

test("RESOLVE is answered by Tor itself, and Tor's refusals come through", async (t) => {
  const { both } = await rig(t);
  const onion = `${'a'.repeat(56)}.onion`;
  // An automapped virtual address; the port prefers IPv6.
  t.regex((await ask(both, socks5(onion, undefined, 'f0'))).answer, /^050005000004f[cde][0-9a-f]{30}0000$/);
  // No checksum fits: ExtendedErrors says so (0xF6).
  t.is((await ask(both, socks5(onion))).answer.slice(4, 8), '05f6');
});

test('no spelling of an I2P name reaches Tor, and the same watch sees one that is sent there', async (t) => {
  const { both, i2pOnly, tor, watch, i2p } = await rig(t);
  const fullWidth = Buffer.from('site．ｉ２ｐ').toString('latin1');
  const names = [
    'site.i2p',
    'SITE.I2P',
    'site.i2p.',
    'site.i2p..',
    'site.i2p\0.org',
    'a\0site.i2p',
    fullWidth,
  ];
  for (const port of [both, i2pOnly]) {
    for (const name of names) {
      for (const bytes of [
        socks5(name),
        socks5(name, ['u', 'p']),
        socks5(name, undefined, 'f0'),
        socks4a(name),
      ]) {
        (await ask(port, bytes, { quietMs: 60 })).socket.destroy();
      }
    }
  }
  // A reader of SOCKS 4 that takes a zero address for "a name follows" would find it behind the request.
  (
    await ask(both, `04010050000000000${'0'}${Buffer.from('site.i2p\0').toString('hex')}`, { quietMs: 60 })
  ).socket.destroy();
  // The second half of the sixth is data in SOCKS 4a: its name is "a".
  t.deepEqual(
    watch.streams.map(({ target }) => target),
    ['a:443'],
  );
  t.true(i2p.requests.every(({ host }) => /^site\.i2p\.?$/i.test(host)));
  t.is(i2p.requests.length, 20);
  const leak = await ask(tor.port, socks5('site.i2p'), { quietMs: 300 });
  t.deepEqual(
    (await streams(watch, 2)).map(({ target }) => target),
    ['a:443', 'site.i2p:443'],
  );
  leak.socket.destroy();
});

test('at a port of Tor itself a name in .i2p ends at once, in every spelling, and others go on', async (t) => {
  const tor = await RealTor.start();
  t.teardown(() => tor.stop());
  for (const name of ['site.i2p', 'SITE.I2P', 'site.i2p.', 'www.site.i2p', 'i2p']) {
    const { answer, closed } = await ask(tor.port, socks5(name));
    // 0xF6: no such onion name can be
    t.deepEqual([answer.slice(0, 8), closed], ['050005f6', true], name);
    // Resolved it is one of the addresses that Tor lends to onion names, and leads nowhere.
    t.regex((await ask(tor.port, socks5(name, undefined, 'f0'))).answer, /^050005000004f[cde]/, name);
  }
  for (const name of ['site.i2p.example', 'sitei2p']) {
    const { answer, socket } = await ask(tor.port, socks5(name), { quietMs: 500 });
    t.is(answer, '0500', name);
    socket.destroy();
  }
});

test('two workstations at the HTTP proxy are two source addresses at Tor', async (t) => {
  const tor = await RealTor.start();
  t.teardown(() => tor.stop());
  const watch = await tor.watch();
  t.teardown(() => watch.end());
  const ours = await startOurs(`forward-socks5t / 127.0.0.1:${tor.port} .\n`);
  t.teardown(() => ours.stop());
  const request = Buffer.from('CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n').toString(
    'hex',
  );
  const asked = await Promise.all(
    ['127.0.0.5', '127.9.8.7'].map((from) => ask(ours.port, request, { from, quietMs: 500 })),
  );
  const seen = (await streams(watch, 2)).map(({ target, from }) => `${from} ${target}`);
  t.deepEqual(seen.toSorted(), ['127.0.0.5 example.org:443', '127.9.8.7 example.org:443']);
  for (const { socket } of asked) socket.destroy();
});

test('Tor takes a request behind its SOCKS request, and its refusal is a page', async (t) => {
  const tor = await RealTor.start();
  t.teardown(() => tor.stop());
  const watch = await tor.watch();
  t.teardown(() => watch.end());
  const ours = await startOurs(`forward-socks5t / me:secret@127.0.0.1:${tor.port} .\n`);
  t.teardown(() => ours.stop());
  const request = (host: string): string =>
    Buffer.from(`GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`).toString('hex');
  const waits = await ask(ours.port, request('example.org'), { from: '127.0.0.5', quietMs: 500 });
  t.is(waits.answer, '');
  t.deepEqual(await streams(watch, 1), [
    { target: 'example.org:80', from: '127.0.0.5', user: 'me', password: 'secret' },
  ]);
  waits.socket.destroy();
  // No checksum fits.
  const refused = await ask(ours.port, request(`${'a'.repeat(56)}.onion`));
  t.regex(Buffer.from(refused.answer, 'hex').toString(), /^HTTP\/1\.1 503 Forwarding failure\r\n/);
  refused.socket.destroy();
});
