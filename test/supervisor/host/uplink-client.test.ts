import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { UplinkClient } from '../../../services/supervisor/host/uplink-client.ts';
import { Uplink } from '../../../services/uplink/host/uplink.ts';

async function folder(t: ExecutionContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'allium-uplink-client-'));
  t.teardown(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** The real uplink; nothing is dialled. */
async function uplink(t: ExecutionContext, control: string): Promise<Uplink> {
  const service = new Uplink({
    listen: { path: `${control}.listen` },
    control,
    allowPrivateAddresses: false,
  });
  await service.start();
  t.teardown(() => service.stop());
  return service;
}
const statusOf = (service: Uplink) => service.status() as { leased: boolean; relays: number };

test('the uplink gets the list, a lease only when it is renewed, and loses it when it is closed', async (t) => {
  const control = join(await folder(t), 'control');
  const service = await uplink(t, control);
  const client = new UplinkClient(control);
  t.is(client.relays, undefined);
  t.false(await client.offer());
  client.remember('5.5.5.5:443\n6.6.6.6:9001');
  t.is(client.relays, 2);
  t.true(await client.offer());
  t.deepEqual([statusOf(service).relays, statusOf(service).leased], [2, false]);
  t.true(await client.renew());
  t.true(statusOf(service).leased);
  await client.close();
  t.false(statusOf(service).leased);
});

test('an uplink that was made anew gets the list again', async (t) => {
  const control = join(await folder(t), 'control');
  const client = new UplinkClient(control);
  client.remember('5.5.5.5:443');
  const first = await uplink(t, control);
  t.true(await client.offer());
  await first.stop();
  t.false(await client.offer());
  const second = await uplink(t, control);
  t.false(await client.renew());
  t.true(await client.offer());
  t.true(await client.renew());
  t.is(statusOf(second).relays, 1);
});

test('one that refuses the list, or says nonsense, has not taken it', async (t) => {
  const path = join(await folder(t), 'control');
  const asked: string[] = [];
  const none = '{"ok":true,"relays":null}';
  let refusal = '{"ok":false,"code":"relays-malformed","why":"line 1"}';
  const server: Server = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push(`${request.method} ${request.url} ${body}`);
      if (request.method === 'GET') response.end(none);
      else response.writeHead(400).end(refusal);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => server.close());
  const client = new UplinkClient(path);
  client.remember('5.5.5.5:443');
  t.false(await client.offer());
  t.deepEqual(asked, ['GET /relays ', 'POST /relays {"list":"5.5.5.5:443"}']);
  refusal = 'hello';
  t.false(await client.offer());
});
