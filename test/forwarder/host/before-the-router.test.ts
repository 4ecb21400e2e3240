import { createHash } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { SITE_B32, startRig } from '../../router/host/client/fake-i2p.ts';
import { get } from '../support/fixture.ts';
import { startOurs } from '../support/proxies.ts';
import { probe, statusOf } from '../support/raw-client.ts';

const CONNECT_80 = 'CONNECT site.i2p:80 HTTP/1.1\r\nHost: site.i2p:80\r\nUser-Agent: Firefox\r\n\r\n';

/** The forwarder, the router's own HTTP proxy behind it, and a site that writes down what reaches it. */
async function chain(t: ExecutionContext) {
  const seen: string[][] = [];
  const rig = await startRig(t, (req, res) => {
    seen.push([`${req.method} ${req.url}`, ...req.rawHeaders]);
    res.setHeader('Set-Cookie', ['a=1; Domain=i2p', 'b=2']);
    res.end('hello');
  });
  rig.site.on('upgrade', (req, socket) => {
    seen.push([`${req.method} ${req.url}`, ...req.rawHeaders]);
    const accept = createHash('sha1').update(`${req.headers['sec-websocket-key']}x`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  const ours = await startOurs(
    `forward .i2p 127.0.0.1:${rig.proxy.port}\nkeep-alive-timeout 5\ntolerate-pipelining 1\n`,
  );
  t.teardown(() => ours.stop());
  return { seen, rig, port: ours.port };
}

const CLEAN = ['User-Agent', 'MYOB/6.66 (AN/ON)'];

test("the router's header rules arrive at the site unchanged", async (t) => {
  const { seen, port } = await chain(t);
  const headers = [
    'User-Agent: Firefox',
    'Accept-Language: de',
    'X-Forwarded-For: 10.0.0.2',
    'Via: 1.1 me',
    'DNT: 1',
  ];
  const reply = await probe(port, get('http://site.i2p/x?y', ...headers, 'Referer: http://site.i2p/from'));
  t.is(statusOf(reply), '200');
  t.regex(reply.text, /Set-Cookie: b=2\r\n/i);
  t.notRegex(reply.text, /Domain=i2p/);
  t.deepEqual(seen[0]?.slice(0, 5), ['GET /x?y', 'Host', SITE_B32, 'Referer', '/from']);
  t.deepEqual(seen[0]?.slice(-4), [...CLEAN, 'Connection', 'close']);
  t.notRegex(seen.flat().join('\n'), /Firefox|10\.0\.0\.2|\bde\b|1\.1 me/);
});

test('one connection of a browser serves many requests', async (t) => {
  const { seen, port } = await chain(t);
  const reply = await probe(
    port,
    [1, 2, 3].map((n) => get(`http://site.i2p/${n}`)),
    { answers: 3 },
  );
  t.is(reply.text.match(/HTTP\/1\.1 200/g)?.length, 3);
  t.deepEqual(
    seen.map(([line]) => line),
    ['GET /1', 'GET /2', 'GET /3'],
  );
});

test('ws:// as browsers open it is cleaned too, and frames pass', async (t) => {
  const { seen, port } = await chain(t);
  const handshake = ['GET /chat HTTP/1.1', 'Host: site.i2p', 'User-Agent: Firefox', 'Accept-Language: de'];
  handshake.push('Connection: keep-alive, Upgrade', 'Upgrade: websocket', 'Origin: http://site.i2p');
  handshake.push('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==', '', '');
  const reply = await probe(port, [CONNECT_80, handshake.join('\r\n'), 'echo me'], {
    answers: 2,
    quietMs: 600,
  });
  t.regex(reply.text, /101 Switching Protocols\r\n[\s\S]*\r\n\r\necho me$/);
  t.is(seen[0]?.[0], 'GET /chat');
  t.notRegex(seen.flat().join('\n'), /Firefox|\bde\b|site\.i2p/);
});

test('443 that the site does not serve is an honest refusal, fast the second time', async (t) => {
  const { rig, port } = await chain(t);
  const bytes = 'CONNECT site.i2p:443 HTTP/1.1\r\nHost: site.i2p:443\r\n\r\n';
  t.regex((await probe(port, bytes)).text, /^HTTP\/1\.1 502 /);
  t.is(rig.dialer.dialled.length, 1);
  const again = await probe(port, bytes);
  t.regex(again.text, /^HTTP\/1\.1 502 /);
  t.true(again.closed);
  t.is(rig.dialer.dialled.length, 1);
});

test('an unknown name, an addresshelper and the own host are answered by the router', async (t) => {
  const { port } = await chain(t);
  t.is(statusOf(await probe(port, get('http://nobody-has-this.i2p/'))), '404');
  t.is(statusOf(await probe(port, get('http://proxy.i2p/'))), '200');
  const helper = `http://new-name.i2p/?i2paddresshelper=${SITE_B32}`;
  t.is(statusOf(await probe(port, get(helper))), '409');
});

test('the own host of the router can still tell that another site asks, with the stock Referer action too', async (t) => {
  const { rig } = await chain(t);
  const config = `forward .i2p 127.0.0.1:${rig.proxy.port}\nactionsfile a.action\n`;
  const ours = await startOurs(config, { 'a.action': '{+hide-referrer{conditional-block}}\n/\n' });
  t.teardown(() => ours.stop());
  t.is(statusOf(await probe(ours.port, get('http://proxy.i2p/'))), '200');
  for (const header of ['Referer: http://site.i2p/', 'Origin: http://site.i2p']) {
    t.is(statusOf(await probe(ours.port, get('http://proxy.i2p/', header))), '404', header);
  }
});
