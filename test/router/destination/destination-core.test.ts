import { DestinationCore } from '@allium/router/destination/destination-core.ts';
import { MAX_SENT_PAYLOAD, MESSAGE_LIFETIME } from '@allium/router/destination/limits.ts';
import { encodeBlocks } from '@allium/router/i2np/blocks.ts';
import { messageOf } from '@allium/router/i2np/body.ts';
import { LOCAL_DELIVERY } from '@allium/router/i2np/clove.ts';
import { encodeLong } from '@allium/router/i2np/message.ts';
import { sealOneTime } from '@allium/router/i2np/one-time-garlic.ts';
import { Budget } from '@allium/router/node/budget.ts';
import type { StreamId } from '@allium/router/streaming/types.ts';
import { MAX_TUNNELLED_SIZE } from '@allium/router/tunnel/gateway.ts';
import { routerHash } from '@allium/router/wire/hash.ts';
import { identityOf, signerOf } from '@allium/router/wire/identity.ts';
import { createLeaseSet2 } from '@allium/router/wire/lease-set2.ts';
import test from 'ava';
import fc from 'fast-check';
import { recordedEntropy } from '../../support/entropy.ts';
import { keysOf, pattern } from '../streaming/stream-net.ts';
import { DestinationNet, type Host } from './destination-net.ts';

const MINUTE = 60_000;
const REQUEST = Buffer.from('GET / HTTP/1.1\r\n\r\n');

function pair(options: { loss?: number; delay?: number } = {}): {
  net: DestinationNet;
  client: Host;
  server: Host;
} {
  const net = new DestinationNet(options);
  const server = net.host('server', { publish: true });
  const client = net.host('client', { publish: false });
  server.stream({ kind: 'listen', port: 80 });
  return { net, client, server };
}

/** Writes as fast as the stream takes it, then ends. */
function feed(host: Host, stream: StreamId, bytes: Buffer): void {
  let at = 0;
  let blocked = false;
  const more = (): void => {
    for (; !blocked && at < bytes.length; at += 16_384) {
      host.stream({ kind: 'write', stream, bytes: bytes.subarray(at, at + 16_384) });
    }
    if (!blocked) host.stream({ kind: 'end', stream });
  };
  const before = host.onEvent;
  host.onEvent = (event) => {
    before?.(event);
    if (!('stream' in event) || event.stream !== stream) return;
    if (event.kind === 'blocked') blocked = true;
    if (event.kind === 'writable') {
      blocked = false;
      more();
    }
  };
  more();
}

function serve(server: Host, body: Buffer): void {
  server.onEvent = (event) => {
    if (event.kind === 'opened') feed(server, event.stream, body);
  };
}

function accepted(host: Host): StreamId {
  const opened = host.events.findLast((event) => event.kind === 'opened' && event.incoming);
  return opened?.kind === 'opened' ? opened.stream : 0;
}

test('a page: lookup, request with the SYN, answer, and the client is never looked up', (t) => {
  const { net, client, server } = pair();
  serve(server, pattern(50_000));
  const stream = client.connect(server.hash, REQUEST);
  client.stream({ kind: 'end', stream });
  net.time.run(MINUTE);
  t.true(client.received(stream).equals(pattern(50_000)));
  t.is(server.received(accepted(server)).toString(), REQUEST.toString());
  t.is(client.of(stream).over, 'closed');
  t.is(client.count('lookup'), 1);
  t.is(server.count('lookup'), 0);
  t.is(client.count('publish'), 0);
  t.is(client.count('rejected') + server.count('rejected'), 0);
  t.false(net.published.has(client.hash));
});

test('the server knows who is there: its sessions are bound to the client’s Destination', (t) => {
  const { net, client, server } = pair();
  client.connect(server.hash, REQUEST);
  net.time.run(5_000);
  const received = server.outputs.filter((output) => output.kind === 'received');
  t.true(received.length > 0);
  for (const { senders } of received) t.deepEqual([...senders], [client.hash]);
});

test('when messages of a Destination expire tells no clock', (t) => {
  const { net, client, server } = pair();
  serve(server, pattern(500_000));
  client.connect(server.hash, REQUEST);
  const lives: number[] = [];
  for (let s = 0; s < 600; s++) {
    const before = client.outputs.length;
    net.time.run(100);
    for (const output of client.outputs.slice(before)) {
      if (output.kind === 'toTunnel') lives.push(output.message.expires - net.time.now);
    }
  }
  t.true(lives.length >= 20, `${lives.length}`);
  t.true(Math.max(...lives) - Math.min(...lives) >= 2_000, `${lives}`);
  t.true(Math.min(...lives) >= MESSAGE_LIFETIME - 100 && Math.max(...lives) <= MESSAGE_LIFETIME + 4_000);
});

test('5 MB both ways through tunnels that lose 5 %', (t) => {
  const { net, client, server } = pair({ loss: 0.05 });
  const [up, down] = [pattern(5_000_000, 1), pattern(5_000_000, 2)];
  serve(server, down);
  const stream = client.connect(server.hash);
  feed(client, stream, up);
  const took = net.time.run(5 * MINUTE, () => client.of(stream).over !== undefined);
  t.true(client.received(stream).equals(down));
  t.true(server.received(accepted(server)).equals(up));
  t.true(took < 30_000, `${took} ms`);
});

test('LeaseSets travel when they are needed and not with every message', (t) => {
  const { net, client, server } = pair();
  serve(server, pattern(500_000));
  const stream = client.connect(server.hash);
  client.stream({ kind: 'end', stream });
  net.time.run(MINUTE);
  const sizes = client.outputs
    .filter((output) => output.kind === 'toTunnel')
    .map(({ message }) => message.payload.length);
  const acks = sizes.filter((size) => size < 300).length;
  t.true(acks > sizes.length * 0.8, `${acks} of ${sizes.length} are small`);
});

test('leases run out in the middle of a download, new ones come, and nothing is lost', (t) => {
  const net = new DestinationNet({ delay: 150 });
  const server = net.host('server', { publish: true });
  const client = net.host('client', { publish: false });
  server.stream({ kind: 'listen', port: 80 });
  const renew = (host: Host): void => {
    net.newTunnels(host, [150_000]);
    net.time.after(70_000, () => renew(host));
  };
  for (const host of [server, client]) {
    host.leases = [];
    renew(host);
  }
  const total = 400_000;
  const stream = client.connect(server.hash);
  net.time.run(2_000);
  const incoming = accepted(server);
  for (let i = 0; i < 400; i++) {
    net.time.after(i * 1_500, () =>
      server.stream({
        kind: 'write',
        stream: incoming,
        bytes: pattern(total).subarray(i * 1_000, (i + 1) * 1_000),
      }),
    );
  }
  net.time.run(12 * MINUTE);
  t.true(client.received(stream).equals(pattern(total)));
  t.is(client.of(stream).over, undefined);
  const tunnels = new Set(
    server.outputs.filter((output) => output.kind === 'toTunnel').map(({ lease }) => lease.tunnelId),
  );
  t.true(tunnels.size >= 4, `${tunnels.size} tunnels used`);
});

test('a tunnel that breaks silently is left for another one', (t) => {
  const { net, client, server } = pair();
  const body = pattern(3_000_000);
  serve(server, body);
  const stream = client.connect(server.hash);
  client.stream({ kind: 'end', stream });
  net.time.run(MINUTE, () => client.of(stream).bytes > 1_000_000);
  const last = server.outputs.findLast((output) => output.kind === 'toTunnel');
  if (last?.kind !== 'toTunnel') return t.fail('nothing sent');
  net.breakTunnel(last.lease);
  const took = net.time.run(10 * MINUTE, () => client.of(stream).ended);
  t.true(client.received(stream).equals(body));
  t.true(took < 2 * MINUTE, `${took} ms`);
});

test('one lease at a time: messages stay in order', (t) => {
  const { net, client, server } = pair();
  serve(server, pattern(300_000));
  client.connect(server.hash, REQUEST);
  net.time.run(MINUTE);
  for (const host of [client, server]) {
    const sent = host.outputs.filter((output) => output.kind === 'toTunnel');
    t.is(new Set(sent.map(({ lease }) => lease.tunnelId)).size, 1);
    t.is(new Set(sent.map(({ stickyKey }) => stickyKey)).size, 1);
  }
});

test('a client that restarts with the same keys is served at once', (t) => {
  const { net, client, server } = pair();
  serve(server, pattern(20_000));
  client.connect(server.hash, REQUEST);
  net.time.run(30_000);
  client.restart();
  const stream = client.connect(server.hash, REQUEST);
  net.time.run(5_000);
  t.is(client.of(stream).bytes, 20_000);
});

test('a server that restarts with the same keys is reached again while a client still tries', (t) => {
  const { net, client, server } = pair();
  serve(server, pattern(20_000));
  client.connect(server.hash, REQUEST);
  net.time.run(MINUTE);
  server.restart();
  server.stream({ kind: 'listen', port: 80 });
  const stream = client.connect(server.hash, REQUEST);
  net.time.run(3 * MINUTE, () => client.of(stream).ended);
  t.is(client.of(stream).bytes, 20_000);
});

test('an unknown remote: one lookup, then a clean refusal', (t) => {
  const { net, client } = pair();
  const nobody = keysOf('nobody').destination.hash;
  const streams = [client.connect(nobody, REQUEST), client.connect(nobody, REQUEST)];
  net.time.run(2_000);
  for (const stream of streams) {
    t.is(client.of(stream).over, 'refused');
    t.is(client.of(stream).reason, 'unreachable');
  }
  t.is(client.count('lookup'), 1);
  t.is(client.destination.counts.waiting, 0);
});

test('a lookup that nobody answers ends as well', (t) => {
  const { net, client } = pair();
  net.lookup = () => undefined;
  const stream = client.connect(keysOf('nobody').destination.hash, REQUEST);
  net.time.run(MINUTE);
  t.is(client.of(stream).reason, 'unreachable');
});

test('a remote without a key that we speak is refused by name', (t) => {
  const { net, client } = pair();
  const old = keysOf('old');
  const encryptionKeys = [{ type: 0, key: new Uint8Array(256).fill(1) }];
  const { leases } = client;
  net.published.set(
    old.destination.hash,
    createLeaseSet2(signerOf(old), { published: net.time.now, leases, encryptionKeys }),
  );
  const stream = client.connect(old.destination.hash, REQUEST);
  net.time.run(2_000);
  t.is(client.of(stream).reason, 'unsupported');
  const unreachable = client.outputs.find((output) => output.kind === 'unreachable');
  t.is(unreachable?.kind === 'unreachable' ? unreachable.reason : undefined, 'noSupportedKey');
});

test('two Destinations of one router share nothing', (t) => {
  const net = new DestinationNet();
  const server = net.host('server', { publish: true });
  server.stream({ kind: 'listen', port: 80 });
  serve(server, pattern(1_000));
  const [one, two] = [net.host('one', { publish: false }), net.host('two', { publish: false })];
  const streams = [one.connect(server.hash, REQUEST), two.connect(server.hash, REQUEST)];
  net.time.run(5_000);
  t.deepEqual([one.of(streams[0] ?? 0).bytes, two.of(streams[1] ?? 0).bytes], [1_000, 1_000]);
  t.is(one.count('lookup'), 1);
  t.is(two.count('lookup'), 1);
  const senders = server.outputs
    .filter((output) => output.kind === 'received')
    .map(({ senders }) => senders[0]);
  t.deepEqual(new Set(senders), new Set([one.hash, two.hash]));
});

test('a LeaseSet that is not the session’s own is not believed', (t) => {
  const { net, client, server } = pair();
  client.connect(server.hash, REQUEST);
  net.time.run(2_000);
  // Mallory has the client's key in her LeaseSet, but not in her hands: she cannot speak as its owner.
  const mallory = net.host('mallory', { publish: true });
  const claim = createLeaseSet2(signerOf(mallory.keys), {
    published: net.time.now,
    leases: mallory.leases,
    encryptionKeys: [{ type: 4, key: keysOf('client').encryption.publicKey }],
  });
  server.give({ kind: 'leaseSet', leaseSet: claim });
  const again = client.connect(server.hash, REQUEST);
  net.time.run(5_000);
  t.true(client.of(again).over === undefined);
  const last = server.outputs.findLast((output) => output.kind === 'received');
  t.true(last?.kind === 'received' && last.senders.includes(client.hash));
});

test('hostile tunnels: flipped, cut and swollen messages throw nothing, and the stream lives on', (t) => {
  const { net, client, server } = pair();
  const body = pattern(200_000);
  serve(server, body);
  const dice = recordedEntropy('hostile');
  net.tamper = ({ message: { payload } }) => {
    const [kind = 0, at = 0, bit = 0] = dice(3);
    if (kind > 40) return payload;
    const copy = Buffer.from(payload);
    const place = at % copy.length;
    copy[place] = (copy[place] ?? 0) ^ (1 << (bit & 7));
    if (kind < 10) return copy.subarray(0, place);
    if (kind < 15) return Buffer.concat([copy, Buffer.alloc(30_000)]);
    return copy;
  };
  const stream = client.connect(server.hash, REQUEST);
  client.stream({ kind: 'end', stream });
  net.time.run(10 * MINUTE, () => client.of(stream).over !== undefined);
  t.true(client.received(stream).equals(body));
  t.true(client.count('rejected') > 0);
});

test('random messages are rejected by a code and leave nothing', (t) => {
  const { net, client } = pair();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(11, 20, 1), (payload, type) => {
      client.give({ kind: 'message', message: { type, id: 1, expires: net.time.now + 1_000, payload } });
      t.is(
        client.outputs.at(-1)?.kind === 'wake' ? client.outputs.at(-2)?.kind : client.outputs.at(-1)?.kind,
        'rejected',
      );
    }),
    { numRuns: 200 },
  );
  t.is(client.destination.counts.sessions, 0);
  t.is(client.destination.counts.remotes, 0);
});

test('a flood of New Sessions from many Destinations keeps within bounds', (t) => {
  const { net, client, server } = pair();
  serve(server, pattern(1_000));
  for (let i = 0; i < 150; i++) {
    const stranger = net.host(`stranger ${i}`, { publish: false });
    stranger.connect(server.hash, REQUEST);
    net.time.run(1_000);
  }
  const { tags, remotes } = server.destination.counts;
  t.true(tags <= 70_000 && remotes <= 1_024, `${tags} tags, ${remotes} remotes`);
  const stream = client.connect(server.hash, REQUEST);
  net.time.run(10_000);
  t.is(client.of(stream).bytes, 1_000);
});

test('an answer under a key that we gave away comes out once, by its query', (t) => {
  const { net, client, server } = pair();
  const random = recordedEntropy('reply key');
  const reply = { tag: random(8), key: random(32) };
  const { now } = net.time;
  client.destination.registerReplyKey(reply.tag, reply.key, now + 10_000, 7, now);
  server.connect(client.hash, REQUEST);
  net.time.run(2_000);
  t.is(client.count('reply'), 0, 'other messages are no answers');
  const answer = messageOf({ kind: 'deliveryStatus', messageId: 9, timestamp: now }, 5, now + 10_000);
  const data = sealOneTime(
    reply,
    encodeBlocks([{ kind: 'clove', clove: { delivery: LOCAL_DELIVERY, message: answer } }]),
  );
  for (let i = 0; i < 2; i++) {
    client.give({ kind: 'message', message: messageOf({ kind: 'garlic', data }, 6, now + 10_000) });
  }
  const replies = client.outputs.filter((output) => output.kind === 'reply');
  t.is(replies.length, 1);
  t.is(replies[0]?.query, 7);
  t.is(replies[0]?.message.type, 10);
});

test('early, late and needless ticks do no harm', (t) => {
  const { net, client, server } = pair();
  serve(server, pattern(30_000));
  const stream = client.connect(server.hash, REQUEST);
  for (let i = 0; i < 300; i++) {
    net.time.after(i * 10, () => {
      client.give({ kind: 'tick' });
      server.give({ kind: 'tick' });
    });
  }
  net.time.run(MINUTE);
  t.is(client.of(stream).bytes, 30_000);
});

test('the largest payload that we send goes through a tunnel with all that is around it, one byte more is refused', (t) => {
  const at = Date.UTC(2026, 0, 15, 12);
  const [ours, theirs] = [keysOf('ours'), keysOf('theirs')];
  const leases = Array.from({ length: 16 }, (_, i) => ({
    gateway: routerHash(Buffer.alloc(32, i)),
    tunnelId: i + 1,
    expires: at + 600_000,
  }));
  const core = new DestinationCore({
    identity: identityOf(ours),
    publish: false,
    random: recordedEntropy('largest'),
    shares: new Budget().share(),
  });
  core.step({ kind: 'leases', leases }, at);
  core.step(
    {
      kind: 'leaseSet',
      leaseSet: createLeaseSet2(signerOf(theirs), {
        published: at,
        leases,
        encryptionKeys: [{ type: 4, key: theirs.encryption.publicKey }],
      }),
    },
    at,
  );
  const send = (length: number) =>
    core.step(
      {
        kind: 'send',
        to: theirs.destination.hash,
        protocol: 18,
        fromPort: 1,
        toPort: 2,
        payload: Buffer.alloc(length, 7),
      },
      at,
    );
  const sent = send(MAX_SENT_PAYLOAD).find((output) => output.kind === 'toTunnel');
  if (sent?.kind !== 'toTunnel') return t.fail();
  const size = encodeLong(sent.message).length;
  t.true(size <= MAX_TUNNELLED_SIZE && size > MAX_TUNNELLED_SIZE - 2_000, `${size} of ${MAX_TUNNELLED_SIZE}`);
  const refused = send(MAX_SENT_PAYLOAD + 1).filter(({ kind }) => kind !== 'wake');
  t.deepEqual(refused, [{ kind: 'rejected', code: 'oversized' }]);
});
