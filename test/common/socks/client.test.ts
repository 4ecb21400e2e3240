import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { socksConnect } from '@allium/common/socks/client.ts';
import test, { type ExecutionContext } from 'ava';
import { SocksServer } from '../../forwarder/support/socks-server.ts';

/** A port that says hello, behind a SOCKS proxy; gives connections to that proxy. */
async function proxied(t: ExecutionContext) {
  const site = createServer((socket) => socket.end('hello'));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const address = site.address();
  const proxy = await SocksServer.start(typeof address === 'object' ? (address?.port ?? 0) : 0);
  t.teardown(() => {
    site.close();
    return proxy.stop();
  });
  const dial = async (): Promise<Socket> => {
    const socket = connect(proxy.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  };
  return { proxy, dial };
}

const TO = { destination: { host: 'site.example', port: 80 } } as const;

for (const version of [4, 5] as const) {
  test(`SOCKS ${version} leads to the other side with name and login`, async (t) => {
    const { proxy, dial } = await proxied(t);
    const socket = await dial();
    await socksConnect(socket, { ...TO, version, user: 'somebody', password: 'secret' });
    t.is(Buffer.concat(await socket.toArray()).toString(), 'hello');
    const [request] = proxy.requests;
    t.like(request, { version, host: 'site.example', port: 80, user: 'somebody' });
  });
}

test('a slow proxy is waited for until the caller destroys the socket', async (t) => {
  const silent = createServer(() => {});
  t.teardown(() => silent.close());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  let settled = false;
  const dialled = socksConnect(socket, { ...TO, version: 5 });
  dialled
    .catch(() => {})
    .finally(() => {
      settled = true;
    });
  await sleep(200);
  t.false(settled);
  socket.destroy();
  await t.throwsAsync(dialled);
});

test('finished connections leave memory', async (t) => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const { dial } = await proxied(t);
  const finished: WeakRef<Socket>[] = [];
  for (let n = 0; n < 50; n++) {
    const socket = await dial();
    await socksConnect(socket, { ...TO, version: 5 });
    socket.destroy();
    finished.push(new WeakRef(socket));
  }
  await sleep(100);
  gc();
  const kept = finished.filter((socket) => socket.deref() !== undefined).length;
  t.true(kept < 10, `${kept} of 50 kept`);
});
