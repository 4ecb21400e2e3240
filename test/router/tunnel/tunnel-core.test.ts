import { randomU32 } from '@allium/common/core/random.ts';
import { encodeBlocks } from '@allium/router/i2np/blocks.ts';
import { I2NP_TYPE, type I2npMessage } from '@allium/router/i2np/message.ts';
import { EXPLORATORY, type PoolId } from '@allium/router/tunnel/pool-id.ts';
import type { PoolConfig } from '@allium/router/tunnel/tunnel-io.ts';
import test from 'ava';
import { SimNetwork } from './sim-network.ts';

/** A pool that is not the router's own. */
const SITE: PoolId = 1;

const of = (length: number, quantity: number): PoolConfig => ({
  inbound: { length, quantity },
  outbound: { length, quantity },
});

function started(seed: string, size: number, length: number, quantity = 2): SimNetwork {
  const net = new SimNetwork(seed, size);
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(length, quantity) });
  net.run(30_000);
  return net;
}

const data = (net: SimNetwork, size: number): I2npMessage => ({
  type: I2NP_TYPE.data,
  id: randomU32(net.random),
  expires: net.now + 20_000,
  payload: net.random(size),
});

for (const length of [1, 2, 3, 4, 7]) {
  test(`a pool of ${length}-hop tunnels comes up from nothing but sessions`, (t) => {
    const net = started(`up${length}`, 12, length);
    const last = net.found('poolChanged').at(-1);
    t.true(last?.ready);
    t.true((last?.inbound ?? 0) >= 2);
    t.true((last?.outbound ?? 0) >= 2);
    t.is(net.counter('buildsTimedOut'), 0);
    t.is(net.counter('buildsGarbled'), 0);
    const total = net.counter('buildsStarted');
    t.true(total <= 4 + 2, `${total} builds for 4 tunnels and 2 bootstrap tunnels`);
  });

  test(`messages of all sizes pass ${length} hops out and back`, (t) => {
    const net = started(`pass${length}`, 12, length);
    for (const size of [0, 1, 900, 1000, 5000, 40_000, 62_000]) {
      const message = data(net, size);
      const lease = net.me.core.leases(EXPLORATORY, net.now)[0];
      if (!lease) return t.fail('no lease');
      const target = { kind: 'tunnel', router: lease.gateway, tunnelId: lease.tunnelId } as const;
      net.take(net.me, net.me.core.sendThrough(EXPLORATORY, target, message, net.now));
      net.run(2000);
      const received = net.found('received').at(-1);
      t.is(received?.message.type, I2NP_TYPE.data);
      t.is(received?.message.id, message.id);
      t.is(received?.pool, EXPLORATORY);
      t.deepEqual(Buffer.from(received?.message.payload ?? []), Buffer.from(message.payload));
    }
    t.is(net.found('received').length, 7);
  });
}

test('the far end hands a message to the router that it is for', (t) => {
  const net = started('router', 10, 3);
  const target = net.others[9];
  if (!target) return t.fail();
  const seen: I2npMessage[] = [];
  net.filter = (_from, to, message) => {
    if (to === target.hash && message.type === I2NP_TYPE.data) seen.push(message);
    return message;
  };
  const message = data(net, 3000);
  const outputs = net.me.core.sendThrough(
    EXPLORATORY,
    { kind: 'router', router: target.hash },
    message,
    net.now,
  );
  net.take(net.me, outputs);
  net.run(2000);
  t.is(seen.length + net.found('local', target).length, 1);
});

test('bootstrap tunnels are never in leases, and the first inbound build is one hop over a session', (t) => {
  const net = new SimNetwork('boot', 10);
  const built: { direction: string; length: number }[] = [];
  net.choose = ((choose) => (request) => {
    built.push({ direction: request.direction, length: request.length });
    return choose(request);
  })(net.choose);
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(3, 2) });
  net.run(200);
  t.deepEqual(built[0], { direction: 'inbound', length: 1 });
  for (const change of net.found('poolChanged')) {
    t.true(change.inbound > 0 || (change.leases.length === 0 && !change.ready));
  }
  net.run(30_000);
  t.true(built.slice(2).every(({ length }) => length === 3));
  t.is(net.me.core.leases(EXPLORATORY, net.now).length, 2);
});

test('a client pool waits for the exploratory pool and never has a bootstrap tunnel', (t) => {
  const net = new SimNetwork('client', 10);
  net.step(net.me, { kind: 'createPool', pool: SITE, config: of(2, 2) });
  net.run(60_000);
  t.is(net.requests.length, 0);
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config: of(2, 2) });
  net.run(30_000);
  t.true(net.requests.filter(({ pool }) => pool === SITE).every(({ length }) => length === 2));
  t.true(net.found('poolChanged').findLast(({ pool }) => pool === SITE)?.ready);
});

test('a build through another tunnel does not show its gateway where it comes from', (t) => {
  const net = started('sealed', 12, 3);
  t.true(net.counter('buildsAccepted') >= 4);
  // Every inbound build after the bootstrap reached its gateway inside a garlic message.
  let direct = 0;
  net.filter = (from, _to, message) => {
    if (from === net.me.hash && message.type === I2NP_TYPE.shortTunnelBuild) direct++;
    return message;
  };
  net.step(net.me, { kind: 'createPool', pool: SITE, config: of(3, 2) });
  net.run(20_000);
  t.is(direct, 2, 'only the two outbound builds leave over a session');
});

test('equal keys leave through one tunnel, and a pair names tunnels that exist', (t) => {
  const net = started('sticky', 12, 2, 4);
  const first = (options: { stickyKey?: number; outbound?: number }) => {
    const target = { kind: 'router', router: net.others[0]?.hash ?? net.me.hash } as const;
    net.run(100);
    const outputs = net.me.core.sendThrough(EXPLORATORY, target, data(net, 10), net.now, options);
    return outputs.flatMap((output) =>
      output.kind === 'toRouter' ? [Buffer.from(output.message.payload).readUInt32BE(0)] : [],
    )[0];
  };
  const used = new Set(Array.from({ length: 12 }, () => first({ stickyKey: 7 })));
  t.is(used.size, 1);
  t.true(new Set(Array.from({ length: 30 }, () => first({}))).size > 1);
  const pair = net.me.core.pair(EXPLORATORY, net.now);
  if (!pair) return t.fail('no pair');
  t.is(new Set(Array.from({ length: 12 }, () => first({ outbound: pair.outbound }))).size, 1);
  t.true(net.me.core.leases(EXPLORATORY, net.now).some((lease) => lease.tunnelId === pair.inbound.tunnelId));
});

test('small messages sent together share a tunnel message after a few milliseconds', (t) => {
  const net = started('pack', 10, 2);
  const target = { kind: 'router', router: net.others[0]?.hash ?? net.me.hash } as const;
  const pair = net.me.core.pair(EXPLORATORY, net.now);
  if (!pair) return t.fail();
  const outputs = Array.from({ length: 8 }, () =>
    net.me.core.sendThrough(EXPLORATORY, target, data(net, 70), net.now, { outbound: pair.outbound }),
  ).flat();
  t.is(outputs.filter(({ kind }) => kind === 'toRouter').length, 1, 'the first one leaves at once');
  const wake = outputs.find((output) => output.kind === 'wake');
  t.true(wake?.kind === 'wake' && wake.at <= net.now + 5);
  const flushed = net.me.core.step({ kind: 'tick' }, net.now + 3);
  t.is(flushed.filter(({ kind }) => kind === 'toRouter').length, 1, 'seven messages in one');
});

test('without a pool or tunnels, and over 62 kB, sending says that it dropped', (t) => {
  const net = started('drop', 10, 2);
  const target = { kind: 'router', router: net.me.hash } as const;
  const dropped = (pool: PoolId, size: number) =>
    net.me.core
      .sendThrough(pool, target, data(net, size), net.now)
      .flatMap((output) => (output.kind === 'dropped' ? [output.reason] : []));
  t.deepEqual(dropped(SITE, 10), ['noTunnel']);
  t.deepEqual(dropped(EXPLORATORY, 64_000), ['oversized']);
});

test('a removed pool stops receiving and building', (t) => {
  const net = started('remove', 10, 2);
  const builds = net.counter('buildsStarted');
  net.step(net.me, { kind: 'removePool', pool: EXPLORATORY });
  net.run(900_000);
  t.is(net.counter('buildsStarted'), builds);
  t.is(net.me.core.status().pools.size, 0);
});

test('configurations without hops are refused', (t) => {
  const net = new SimNetwork('zero', 3);
  for (const config of [of(0, 2), of(8, 2), of(2, 0), of(2, 17), of(1.5, 1)]) {
    t.throws(() => net.me.core.step({ kind: 'createPool', pool: SITE, config }, net.now), {
      instanceOf: RangeError,
    });
  }
});

test('what others may not send through our tunnels is refused', (t) => {
  const net = started('refuse', 10, 2);
  const lease = net.me.core.leases(EXPLORATORY, net.now)[0];
  if (!lease) return t.fail();
  const target = { kind: 'tunnel', router: lease.gateway, tunnelId: lease.tunnelId } as const;
  const send = (message: I2npMessage) => {
    net.take(net.me, net.me.core.sendThrough(EXPLORATORY, target, message, net.now));
    net.run(1000);
  };
  const before = net.counter('refusedMessages');
  for (const type of [18, 19, 21, 22, 23, 24, 25]) send({ ...data(net, 1028), type });
  t.is(net.counter('refusedMessages'), before + 7);
  send({ ...data(net, 10), expires: net.now - 61_000 });
  t.is(net.counter('expiredMessages'), 1);
  send({ ...data(net, 873), type: I2NP_TYPE.outboundTunnelBuildReply });
  t.is(net.counter('foreignReplies'), 1);
  t.is(net.found('received').length, 0);
  send({ ...data(net, 10), type: I2NP_TYPE.garlic, payload: encodeBlocks([]) });
  t.is(net.found('received').length, 1, 'a garlic that is not ours goes on to the others');
});

test('what an endpoint diverts into the tunnels of another pool answers nothing, so it tells nothing', (t) => {
  const net = started('divert', 14, 2);
  net.step(net.me, { kind: 'createPool', pool: SITE, config: of(2, 2) });
  net.run(30_000);
  t.is(net.counter('foreignTests') + net.counter('foreignReplies'), 0);
  let diverted = 0;
  net.filter = (from, to, message) => {
    const [there] = net.me.core.leases(SITE, net.now);
    const ours = net.me.core.leases(EXPLORATORY, net.now);
    const id = message.payload.length > 4 ? Buffer.from(message.payload).readUInt32BE(0) : 0;
    const aimed = ours.some(({ gateway, tunnelId }) => gateway === to && tunnelId === id);
    if (message.type !== I2NP_TYPE.tunnelGateway || !aimed || !there) return message;
    diverted++;
    const payload = Buffer.from(message.payload);
    payload.writeUInt32BE(there.tunnelId);
    net.step(net.router(there.gateway), { kind: 'message', from, message: { ...message, payload } });
    return undefined;
  };
  net.run(300_000);
  t.true(diverted > 3, `${diverted}`);
  t.true(net.counter('foreignTests') > 0);
  t.is(net.counter('foreignTests') + net.counter('foreignReplies'), diverted);
  t.true(net.counter('foreignReplies') > 0);
});
