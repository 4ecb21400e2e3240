import { type RandomBytes, randomU32 } from '@allium/common/core/random.ts';
import { sha256 } from '@allium/router/crypto/hash.ts';
import { x25519KeyPair } from '@allium/router/crypto/x25519.ts';
import { messageOf } from '@allium/router/i2np/body.ts';
import { encodeLong, I2NP_TYPE, type I2npMessage } from '@allium/router/i2np/message.ts';
import { type BuildRequest, openRequest, sealRequest } from '@allium/router/tunnel/build-record.ts';
import { EXPLORATORY } from '@allium/router/tunnel/pool-id.ts';
import { readRecords, writeRecords } from '@allium/router/tunnel/record-set.ts';
import { REPLAY_GENERATION, ReplayFilter } from '@allium/router/tunnel/replay-filter.ts';
import { TunnelCore } from '@allium/router/tunnel/tunnel-core.ts';
import type { TunnelOutput } from '@allium/router/tunnel/tunnel-io.ts';
import { hashBytes, type RouterHash, routerHash } from '@allium/router/wire/hash.ts';
import test from 'ava';
import fc from 'fast-check';
import { recordedEntropy } from '../../support/entropy.ts';
import { SimNetwork, START } from './sim-network.ts';

const hashOf = (random: RandomBytes): RouterHash => routerHash(sha256(random(32)));

/** One transit router and the means to ask it. */
function hop(seed: string, acceptTransit = true) {
  const random = recordedEntropy(seed);
  const local = hashOf(random);
  const keys = x25519KeyPair(random);
  const core = new TunnelCore({
    local,
    keys,
    random,
    acceptTransit,
    chooseHops: () => undefined,
    transitBandwidth: 100,
  });
  const next = hashOf(random);
  const from = hashOf(random);
  const request = (change: Partial<BuildRequest>): { message: I2npMessage; code: () => number } => {
    const clear: BuildRequest = {
      receiveTunnelId: 11,
      nextTunnelId: 22,
      nextRouter: hashBytes(next),
      role: 'participant',
      layerType: 0,
      requestMinutes: START / 60_000,
      lifetime: 600,
      sendMessageId: 33,
      options: {},
      ...change,
    };
    const sealed = sealRequest(clear, { hash: local, publicKey: keys.publicKey }, random);
    if (!sealed) throw new Error('no record');
    const records = [sealed.record, ...Array.from({ length: 3 }, () => random(218))];
    const payload = writeRecords(records);
    return { message: { type: 25, id: 1, expires: START + 20_000, payload }, code: () => 0 };
  };
  const build = (change: Partial<BuildRequest> = {}, now = START) =>
    core.step({ kind: 'message', from, message: request(change).message }, now);
  return { random, local, keys, core, next, from, request, build };
}

const sent = (outputs: readonly TunnelOutput[]) =>
  outputs.flatMap((output) => (output.kind === 'toRouter' ? [output] : []));

const dataFor = (random: RandomBytes, tunnelId: number): I2npMessage => {
  const payload = Buffer.from(random(1028));
  payload.writeUInt32BE(tunnelId, 0);
  return { type: I2NP_TYPE.tunnelData, id: randomU32(random), expires: START + 20_000, payload };
};

test('a participant passes the build on under the number in its record, and then the data', (t) => {
  const { build, core, next, from, random } = hop('participant');
  const [passed] = sent(build());
  t.is(passed?.router, next);
  t.is(passed?.message.type, I2NP_TYPE.shortTunnelBuild);
  t.is(passed?.message.id, 33);
  t.is(core.status().transit, 1);
  const message = dataFor(random, 11);
  const [out] = sent(core.step({ kind: 'message', from, message }, START));
  t.is(out?.router, next);
  t.is(Buffer.from(out?.message.payload ?? []).readUInt32BE(0), 22);
  t.notDeepEqual(out?.message.payload.subarray(4), message.payload.subarray(4));
  t.is(out?.message.payload.length, 1028);
});

test("replayed, swapped and foreign messages don't pass a participant", (t) => {
  const { build, core, from, random } = hop('replay');
  build();
  const step = (message: I2npMessage, sender = from) =>
    sent(core.step({ kind: 'message', from: sender, message }, START));
  const message = dataFor(random, 11);
  t.is(step(message).length, 1);
  t.is(step(message).length, 0);
  const swapped = Buffer.from(message.payload);
  swapped.set(message.payload.subarray(4, 20), 20);
  swapped.set(message.payload.subarray(20, 36), 4);
  t.is(step({ ...message, payload: swapped }).length, 0);
  t.is(step(dataFor(random, 11), hashOf(random)).length, 0);
  t.is(step(dataFor(random, 12)).length, 0);
  const { counters } = core.status();
  t.is(counters.replayedMessages, 2);
  t.is(counters.strangerMessages, 1);
  t.is(counters.unknownTunnel, 1);
});

test('requests that are replayed, old, from the future or lead back to us are not answered', (t) => {
  const { core, from, request, build, local } = hop('refuse');
  const { message } = request({});
  t.is(sent(core.step({ kind: 'message', from, message }, START)).length, 1);
  t.is(sent(core.step({ kind: 'message', from, message }, START)).length, 0);
  t.is(sent(build({ receiveTunnelId: 2, requestMinutes: START / 60_000 - 9 })).length, 0);
  t.is(sent(build({ receiveTunnelId: 2, requestMinutes: START / 60_000 + 6 })).length, 0);
  t.is(sent(build({ receiveTunnelId: 2, nextRouter: hashBytes(local) })).length, 0);
  t.is(core.status().counters.transitRefused, 4);
  t.is(core.status().transit, 1);
});

test('a tunnel ID in use or too much bandwidth is declined', (t) => {
  const { core, build } = hop('busy');
  build();
  t.is(sent(build()).length, 1, 'the decline goes on to the next hop');
  build({ receiveTunnelId: 2, options: { minimum: 101 } });
  t.is(core.status().counters.transitDeclined, 2);
  build({ receiveTunnelId: 3, options: { minimum: 50, requested: 500 } });
  t.is(core.status().transit, 2);
});

test('without transit nobody makes us write to whom he names', (t) => {
  const { core, build } = hop('closed', false);
  t.is(sent(build()).length, 0);
  t.is(core.status().transit, 0);
  t.is(core.status().counters.transitRefused, 1);
});

test('transit tunnels end after ten minutes', (t) => {
  const { core, build, from, random } = hop('end');
  build();
  core.step({ kind: 'tick' }, START + 599_000);
  t.is(core.status().transit, 1);
  t.is(sent(core.step({ kind: 'message', from, message: dataFor(random, 11) }, START + 600_000)).length, 0);
  core.step({ kind: 'tick' }, START + 640_000);
  t.is(core.status().transit, 0);
});

test('a gateway takes messages from anybody, an endpoint wraps its build reply in garlic', (t) => {
  const { core, build, random, next } = hop('ends');
  build({ role: 'gateway' });
  const inner = { type: 20, id: 5, expires: START + 9000, payload: random(30) };
  const body = { kind: 'tunnelGateway', tunnelId: 11, data: encodeLong(inner) } as const;
  const message = messageOf(body, 6, START + 9000);
  const [out] = sent(core.step({ kind: 'message', from: hashOf(random), message }, START));
  t.is(out?.message.type, I2NP_TYPE.tunnelData);
  t.is(out?.router, next);
  const [reply] = sent(build({ role: 'endpoint', receiveTunnelId: 12 }));
  t.is(reply?.router, next);
  t.is(reply?.message.type, I2NP_TYPE.tunnelGateway);
  const payload = Buffer.from(reply?.message.payload ?? []);
  t.is(payload.readUInt32BE(0), 22);
  t.is(payload[6], I2NP_TYPE.garlic);
});

test('any message whatever throws nothing and stays bounded', (t) => {
  const { core, build, from } = hop('fuzz');
  build();
  build({ role: 'gateway', receiveTunnelId: 12 });
  build({ role: 'endpoint', receiveTunnelId: 13 });
  const types = fc.constantFrom(18, 19, 21, 25, 26, 11, 255);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.uint8Array({ minLength: 1028, maxLength: 1028 }),
  );
  fc.assert(
    fc.property(types, bytes, fc.constantFrom(0, 11, 12, 13), fc.nat(), (type, content, id, later) => {
      const payload = Buffer.from(content);
      if (id > 0 && payload.length >= 4) payload.writeUInt32BE(id, 0);
      const message = { type, id: later, expires: START, payload };
      return core.step({ kind: 'message', from, message }, START + (later % 1000)).length < 10;
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('replies to builds that are not ours, or come from the wrong hop, change nothing', (t) => {
  const net = new SimNetwork('foreign', 8);
  const replies: { from: RouterHash; message: I2npMessage }[] = [];
  net.filter = (from, to, message) => {
    if (to !== net.me.hash || message.type !== I2NP_TYPE.shortTunnelBuild) return message;
    replies.push({ from, message });
    return undefined;
  };
  net.step(net.me, {
    kind: 'createPool',
    pool: EXPLORATORY,
    config: { inbound: { length: 2, quantity: 1 }, outbound: { length: 2, quantity: 1 } },
  });
  net.run(1000);
  const reply = replies[0];
  const stranger = net.others.find(({ hash }) => hash !== reply?.from);
  if (!reply || !stranger) return t.fail();
  net.step(net.me, { kind: 'message', from: stranger.hash, message: reply.message });
  net.step(net.me, { kind: 'message', from: undefined, message: reply.message });
  t.is(net.counter('foreignReplies'), 2);
  net.step(net.me, { kind: 'message', from: reply.from, message: { ...reply.message, id: 1 } });
  t.is(net.counter('buildsAccepted'), 0);
  const garbled = Buffer.from(reply.message.payload);
  garbled.writeUInt32BE(0, 100);
  garbled.writeUInt32BE(0, 320);
  garbled.writeUInt32BE(0, 540);
  garbled.writeUInt32BE(0, 760);
  const other = replies[1];
  net.step(net.me, { kind: 'message', from: reply.from, message: reply.message });
  t.is(net.counter('buildsAccepted'), 1);
  net.step(net.me, { kind: 'message', from: reply.from, message: reply.message });
  t.is(net.counter('buildsAccepted'), 1, 'once is enough');
  if (other) {
    net.step(net.me, { kind: 'message', from: other.from, message: { ...other.message, payload: garbled } });
    t.is(net.counter('buildsGarbled'), 1);
  }
});

test('flipped bits on the way cost the message and nothing else', (t) => {
  const net = new SimNetwork('flip', 10);
  const config = { inbound: { length: 2, quantity: 1 }, outbound: { length: 2, quantity: 1 } };
  net.step(net.me, { kind: 'createPool', pool: EXPLORATORY, config });
  net.run(10_000);
  const lease = net.me.core.leases(EXPLORATORY, net.now)[0];
  if (!lease) return t.fail();
  let flips = 0;
  net.filter = (_from, _to, message) => {
    if (message.type !== I2NP_TYPE.tunnelData) return message;
    const payload = Buffer.from(message.payload);
    payload[4 + (flips++ % 1024)] = (payload[4 + (flips % 1024)] ?? 0) ^ 0x10;
    return { ...message, payload };
  };
  for (let i = 0; i < 20; i++) {
    const target = { kind: 'tunnel', router: lease.gateway, tunnelId: lease.tunnelId } as const;
    const message = { type: 20, id: i + 1, expires: net.now + 9000, payload: net.random(2000) };
    net.take(net.me, net.me.core.sendThrough(EXPLORATORY, target, message, net.now));
    net.run(500);
  }
  t.is(net.found('received').length, 0);
  t.true(flips > 0);
  net.filter = (_from, _to, message) => message;
  const target = { kind: 'tunnel', router: lease.gateway, tunnelId: lease.tunnelId } as const;
  const message = { type: 20, id: 99, expires: net.now + 9000, payload: net.random(2000) };
  net.take(net.me, net.me.core.sendThrough(EXPLORATORY, target, message, net.now));
  net.run(500);
  t.is(net.found('received').length, 1);
});

test('the replay filter is bounded and forgets the oldest first', (t) => {
  const filter = new ReplayFilter(4);
  for (let i = 0; i < 12; i++) t.true(filter.admitKey(`${i}`));
  t.false(filter.admitKey('11'));
  t.false(filter.admitKey('8'));
  t.true(filter.admitKey('0'), 'two generations later it is forgotten');
  t.true(REPLAY_GENERATION >= 1000);
});

test('records are cut out only when all of them are there', (t) => {
  const random = recordedEntropy('records');
  const payload = writeRecords([random(218), random(218)]);
  t.is(readRecords(payload).length, 2);
  t.throws(() => readRecords(payload.subarray(0, 436)));
  t.throws(() => openRequest(random(217), x25519KeyPair(random)));
});
