import { ed25519Public, ed25519Sign } from '@allium/router/crypto/ed25519.ts';
import {
  CONNECT_TIMEOUT,
  IDLE_LIMIT,
  KEEPALIVE_AFTER,
  SYN_DATA_DELAY,
} from '@allium/router/streaming/limits.ts';
import { decodePacket, encodePacket, STREAM_FLAG } from '@allium/router/streaming/packet.ts';
import type { StreamId } from '@allium/router/streaming/types.ts';
import type { DestHash } from '@allium/router/wire/hash.ts';
import type { Signer } from '@allium/router/wire/identity.ts';
import test from 'ava';
import { recordedEntropy } from '../../support/entropy.ts';
import { type Endpoint, keysOf, type Link, pattern, pump, StreamNet } from './stream-net.ts';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\n\r\n');
const MINUTE = 60_000;

function pair(link: Partial<Link> = {}): { net: StreamNet; client: Endpoint; server: Endpoint } {
  const net = new StreamNet(link);
  const [client, server] = [net.endpoint('client'), net.endpoint('server')];
  server.step({ kind: 'listen', port: 80 });
  return { net, client, server };
}

/** A server that answers every stream with `body` and closes its side. */
function serve(server: Endpoint, body: Buffer): void {
  server.onEvent = (event) => {
    if (event.kind === 'opened') pump(server, event.stream, body);
  };
}

function kinds(endpoint: Endpoint): string[] {
  return endpoint.events.map((event) => event.kind);
}

test('a request goes out with the SYN, and its answer comes back with the other one', (t) => {
  const { net, client, server } = pair();
  serve(server, Buffer.from('hello'));
  const stream = client.connect(server.hash, 80, REQUEST);
  const took = net.time.run(MINUTE, () => client.of(stream).bytes > 0);
  t.is(client.received(stream).toString(), 'hello');
  t.is(server.received(server.accepted()).toString(), REQUEST.toString());
  t.true(took <= 105, `${took} ms for a round trip of 100`);
  t.deepEqual(kinds(client).slice(0, 2), ['opened', 'data']);
});

test('what is written soon after travels with the SYN, which waits for it but not long', (t) => {
  const { net, client, server } = pair();
  serve(server, Buffer.from('hello'));
  const to = { fromPort: 0, toPort: 80, awaitData: true };
  const { stream, outputs } = client.manager.connect(server.hash, to, new Uint8Array(0), net.time.now);
  client.handle(outputs);
  t.is(client.sent, 0, 'the SYN waits');
  net.time.run(5);
  client.step({ kind: 'write', stream, bytes: REQUEST });
  t.is(client.sent, 1);
  const took = net.time.run(MINUTE, () => client.of(stream).bytes > 0);
  t.true(took <= 105, `${took} ms for a round trip of 100`);
  const silent = client.manager.connect(server.hash, to, new Uint8Array(0), net.time.now);
  client.handle(silent.outputs);
  net.time.run(SYN_DATA_DELAY + 110);
  t.true(client.events.some((event) => event.kind === 'opened' && event.stream === silent.stream));
});

test('a whole small exchange takes few packets, and both sides end cleanly', (t) => {
  const { net, client, server } = pair();
  serve(server, Buffer.from('hello'));
  const stream = client.connect(server.hash, 80, REQUEST);
  client.step({ kind: 'end', stream });
  net.time.run(MINUTE);
  t.is(client.of(stream).over, 'closed');
  t.is(server.of(server.accepted()).over, 'closed');
  t.true(client.sent <= 5 && server.sent <= 5, `${client.sent} and ${server.sent}`);
  t.is(client.manager.size + server.manager.size, 0);
});

test('nothing follows the answer to a SYN before that is acknowledged, as i2pd gives up on data without a SYN', (t) => {
  const { net, client, server } = pair();
  serve(server, pattern(20_000));
  const sequences: number[] = [];
  let acks = 0;
  net.tamper = (bytes, from) => {
    if (from === server.hash) sequences.push(decodePacket(bytes).sequence);
    // everything the client says after its SYN is lost
    else if (acks++ > 0) return undefined;
    return bytes;
  };
  const stream = client.connect(server.hash, 80, REQUEST);
  net.time.run(20_000);
  t.true(sequences.length > 1, 'the answer is sent again');
  t.deepEqual(new Set(sequences), new Set([0]));
  net.tamper = undefined;
  net.time.run(MINUTE);
  t.is(client.of(stream).bytes, 20_000);
});

test('a silent server still answers the SYN', (t) => {
  const { net, client, server } = pair();
  client.connect(server.hash);
  net.time.run(1_000);
  t.deepEqual(kinds(client), ['opened']);
});

test('megabytes pass both ways at once', (t) => {
  const { net, client, server } = pair({ delay: 20 });
  const [up, down] = [pattern(1_500_000, 1), pattern(2_000_000, 2)];
  serve(server, down);
  const stream = client.connect(server.hash);
  pump(client, stream, up);
  net.time.run(10 * MINUTE, () => client.of(stream).over !== undefined);
  t.true(client.received(stream).equals(down));
  t.true(server.received(server.accepted()).equals(up));
});

for (const { name, link, atLeast } of [
  { name: 'a fast private net with 40 ms', link: { delay: 20 }, atLeast: 3_000 },
  {
    name: 'a 300 ms path that carries 2 packets per ms',
    link: { delay: 150, rate: 2, queue: 200 },
    atLeast: 900,
  },
  { name: 'a 1 s path', link: { delay: 500 }, atLeast: 280 },
  { name: 'a 100 ms path that loses 5 %', link: { delay: 50, loss: 0.05 }, atLeast: 500 },
  {
    name: 'a 300 ms path that reorders and loses 2 %',
    link: { delay: 120, jitter: 60, loss: 0.02 },
    atLeast: 300,
  },
]) {
  test(`throughput: over ${name} at least ${atLeast} KB/s`, (t) => {
    const { net, client, server } = pair(link);
    const body = pattern(5_000_000);
    serve(server, body);
    const stream = client.connect(server.hash, 80, REQUEST);
    const took = net.time.run(10 * MINUTE, () => client.of(stream).ended);
    t.true(client.received(stream).equals(body));
    t.true(body.length / took >= atLeast, `${Math.round(body.length / took)} KB/s`);
    t.true(server.sent < 1.25 * (body.length / 1_812), `${server.sent} packets`);
  });
}

test('after the client’s end the server goes on sending (half close)', (t) => {
  const { net, client, server } = pair();
  const stream = client.connect(server.hash, 80, REQUEST);
  client.step({ kind: 'end', stream });
  net.time.run(5_000);
  const accepted = server.accepted();
  t.true(server.of(accepted).ended);
  pump(server, accepted, pattern(200_000));
  net.time.run(MINUTE);
  t.true(client.received(stream).equals(pattern(200_000)));
  t.is(client.of(stream).over, 'closed');
});

test('a port where nobody listens refuses', (t) => {
  const { net, client, server } = pair();
  const stream = client.connect(server.hash, 81);
  net.time.run(1_000);
  t.is(client.of(stream).over, 'refused');
  t.is(client.of(stream).reason, 'peer');
});

test('a listener on port 0 takes every port', (t) => {
  const { net, client, server } = pair();
  server.step({ kind: 'unlisten', port: 80 });
  server.step({ kind: 'listen', port: 0 });
  client.connect(server.hash, 1_234);
  net.time.run(1_000);
  const opened = server.events[0];
  t.is(opened?.kind === 'opened' ? opened.localPort : undefined, 1_234);
});

test('nobody there: the attempt ends in time, and other paths were asked for', (t) => {
  const { net, client } = pair({ loss: 1 });
  const stream = client.connect(keysOf('nobody').destination.hash, 80, REQUEST);
  const took = net.time.run(10 * MINUTE, () => client.of(stream).over !== undefined);
  t.is(client.of(stream).reason, 'timeout');
  t.is(client.of(stream).over, 'refused');
  t.true(took <= CONNECT_TIMEOUT + 1);
  t.true(kinds(client).filter((kind) => kind === 'stalled').length >= 5);
  t.is(client.manager.size, 0);
});

test('unreachable: attempts end at once, open streams do not', (t) => {
  const { net, client, server } = pair();
  const open = client.connect(server.hash);
  net.time.run(1_000);
  const pending = client.connect(server.hash);
  client.step({ kind: 'unreachable', remote: server.hash, reason: 'unreachable' });
  t.is(client.of(pending).over, 'refused');
  t.is(client.of(pending).reason, 'unreachable');
  t.is(client.of(open).over, undefined);
});

test('a reset reaches the peer and needs no answer', (t) => {
  const { net, client, server } = pair();
  const stream = client.connect(server.hash);
  net.time.run(1_000);
  client.step({ kind: 'reset', stream });
  net.time.run(1_000);
  t.is(server.of(server.accepted()).over, 'reset');
  t.is(client.of(stream).over, undefined);
  t.is(client.manager.size + server.manager.size, 0);
});

test('the path dies in the middle: both sides notice', (t) => {
  const { net, client, server } = pair();
  serve(server, pattern(3_000_000));
  const stream = client.connect(server.hash);
  net.time.run(MINUTE, () => client.of(stream).bytes > 500_000);
  net.link.loss = 1;
  net.time.run(IDLE_LIMIT + 5 * MINUTE);
  t.is(server.of(server.accepted()).reason, 'timeout');
  t.is(client.of(stream).reason, 'timeout');
});

test('an outage of a minute is survived', (t) => {
  const { net, client, server } = pair();
  const body = pattern(1_000_000);
  serve(server, body);
  const stream = client.connect(server.hash);
  net.time.run(MINUTE, () => client.of(stream).bytes > 300_000);
  net.link.loss = 1;
  net.time.run(MINUTE);
  net.link.loss = 0;
  net.time.run(5 * MINUTE, () => client.of(stream).ended);
  t.true(client.received(stream).equals(body));
});

test('an application that does not read stops the sender; when it reads, all comes', (t) => {
  const { net, client, server } = pair({ delay: 20 });
  const body = pattern(4_000_000);
  serve(server, body);
  client.consuming = false;
  const stream = client.connect(server.hash);
  net.time.run(3 * MINUTE);
  const held = client.of(stream).bytes;
  t.true(held < 1_700_000, `${held}`);
  t.is(client.manager.buffered, held);
  const before = server.sent;
  net.time.run(5 * MINUTE);
  t.true(server.sent - before < 40, `${server.sent - before} probes in five minutes`);
  client.consuming = true;
  client.step({ kind: 'consumed', stream, bytes: held });
  const took = net.time.run(10 * MINUTE, () => client.of(stream).ended);
  t.true(client.received(stream).equals(body));
  t.true(took < 10_000, `${took} ms after the unchoke`);
});

test('a lost unchoke is made good', (t) => {
  const { net, client, server } = pair({ delay: 20 });
  serve(server, pattern(3_000_000));
  client.consuming = false;
  const stream = client.connect(server.hash);
  net.time.run(MINUTE);
  net.link.loss = 1;
  client.consuming = true;
  client.step({ kind: 'consumed', stream, bytes: client.of(stream).bytes });
  net.time.run(5_000);
  net.link.loss = 0;
  net.time.run(5 * MINUTE, () => client.of(stream).ended);
  t.is(client.of(stream).bytes, 3_000_000);
});

test('a writer is blocked, and told when to go on', (t) => {
  const { net, client, server } = pair();
  const stream = client.connect(server.hash);
  client.step({ kind: 'write', stream, bytes: pattern(600_000) });
  t.true(kinds(client).includes('blocked'));
  t.false(kinds(client).includes('writable'));
  net.time.run(MINUTE);
  t.true(kinds(client).includes('writable'));
  t.is(server.of(server.accepted()).bytes, 600_000);
});

test('a writer that ignores it loses the stream', (t) => {
  const { client, server } = pair();
  const stream = client.connect(server.hash);
  for (let i = 0; i < 10; i++) client.step({ kind: 'write', stream, bytes: new Uint8Array(500_000) });
  t.is(client.of(stream).reason, 'overflow');
});

test('an idle stream says a word every 90 s and stays', (t) => {
  const { net, client, server } = pair();
  const stream = client.connect(server.hash);
  net.time.run(1_000);
  const before = client.sent + server.sent;
  net.time.run(10 * KEEPALIVE_AFTER);
  t.is(client.of(stream).over, undefined);
  const words = client.sent + server.sent - before;
  t.true(words >= 10 && words <= 60, `${words}`);
});

/** As i2pd, which never answers an ack without data. */
function leavesKeepalivesUnanswered(net: StreamNet, peer: Endpoint): void {
  net.tamper = (bytes, from) => {
    const { sequence, flags } = decodePacket(bytes, undefined);
    const plainAck = sequence === 0 && (flags & (STREAM_FLAG.synchronize | STREAM_FLAG.echo)) === 0;
    return from === peer.hash && plainAck ? undefined : bytes;
  };
}

test('an idle stream to a peer that leaves keepalives unanswered stays for 24 hours, by pings', (t) => {
  const { net, client, server } = pair();
  const stream = client.connect(server.hash);
  net.time.run(1_000);
  leavesKeepalivesUnanswered(net, server);
  net.time.run(24 * 60 * MINUTE);
  t.is(client.of(stream).over, undefined);
  t.false(kinds(client).includes('pong'), 'nobody asked for one');
  client.step({ kind: 'write', stream, bytes: Buffer.from('still here') });
  net.time.run(1_000);
  t.is(server.received(server.accepted()).toString(), 'still here');
});

test('a pong that another Destination sends keeps no stream alive', (t) => {
  const { net, client, server } = pair();
  const stream = client.connect(server.hash);
  net.time.run(1_000);
  const liar = keysOf('a liar').destination.hash;
  net.tamper = (_bytes, from) => (from === server.hash ? undefined : _bytes);
  const lies = (): void => {
    if (client.of(stream).over !== undefined) return;
    const bytes = encodePacket({
      ...{ sendStreamId: 0, receiveStreamId: stream, sequence: 0, ackThrough: 0, nacks: [] },
      ...{ resendDelay: 0, flags: STREAM_FLAG.echo | STREAM_FLAG.noAck, payload: new Uint8Array(0) },
    });
    client.step({ kind: 'packet', senders: [liar], fromPort: 80, toPort: 0, bytes });
    net.time.at(net.time.now + MINUTE, lies);
  };
  lies();
  net.time.run(IDLE_LIMIT + 5 * MINUTE);
  t.is(client.of(stream).reason, 'timeout');
});

test('the peer forgot the stream (a restart): the next packet ends it', (t) => {
  const { net, client, server } = pair();
  const stream = client.connect(server.hash);
  net.time.run(1_000);
  const restarted = net.endpoint('server');
  restarted.step({ kind: 'listen', port: 80 });
  client.step({ kind: 'write', stream, bytes: REQUEST });
  net.time.run(1_000);
  t.is(client.of(stream).reason, 'peer');
  const again = client.connect(server.hash, 80, REQUEST);
  net.time.run(1_000);
  t.is(client.of(again).over, undefined);
  t.is(restarted.received(restarted.accepted()).toString(), REQUEST.toString());
});

test('i2pd’s way to close, gone after its own CLOSE, is no error', (t) => {
  const { net, client, server } = pair();
  const stream = client.connect(server.hash, 80, REQUEST);
  net.time.run(1_000);
  server.step({ kind: 'end', stream: server.accepted() });
  net.time.run(1_000);
  t.true(client.of(stream).ended);
  net.tamper = (bytes, _, to) => (to === server.hash ? undefined : bytes);
  client.step({ kind: 'end', stream });
  net.time.run(2 * MINUTE);
  t.is(client.of(stream).over, 'closed');
});

test('a second stream to the same peer starts with what the first one learned', (t) => {
  const { net, client, server } = pair({ delay: 100 });
  serve(server, pattern(600_000));
  const fetch = (): number => {
    const stream = client.connect(server.hash, 80, REQUEST);
    client.step({ kind: 'end', stream });
    const took = net.time.run(MINUTE, () => client.of(stream).ended);
    net.time.run(1_000);
    return took;
  };
  const first = fetch();
  const second = fetch();
  t.true(second < first * 0.8, `${first} and ${second} ms`);
});

test('without bound sessions signatures prove the peer', (t) => {
  const { net, client, server } = pair();
  net.bound = false;
  serve(server, pattern(100_000));
  const stream = client.connect(server.hash, 80, REQUEST);
  client.step({ kind: 'end', stream });
  net.time.run(MINUTE);
  t.is(client.of(stream).bytes, 100_000);
  t.is(client.of(stream).over, 'closed');
});

test('packets before their SYN are kept for it', (t) => {
  const { net, client, server } = pair();
  const late: Uint8Array[] = [];
  net.tamper = (bytes, from) => {
    if (from !== client.hash || late.length > 0) return bytes;
    late.push(bytes);
    return undefined;
  };
  client.connect(server.hash, 80, REQUEST);
  const syn = decodePacket(late[0] ?? new Uint8Array(0));
  const follow = encodePacket({
    ...syn,
    sequence: 1,
    flags: STREAM_FLAG.noAck,
    target: undefined,
    from: undefined,
    payload: Buffer.from('more'),
  });
  const give = (bytes: Uint8Array): void =>
    server.step({ kind: 'packet', senders: [client.hash], fromPort: 0, toPort: 80, bytes });
  give(follow);
  t.is(server.manager.size, 0);
  give(syn.bytes);
  net.time.run(100);
  t.is(server.received(server.accepted()).toString(), `${REQUEST}more`);
});

test('a repeated SYN makes no second stream', (t) => {
  const { net, client, server } = pair({ duplicates: 1 });
  client.connect(server.hash, 80, REQUEST);
  net.time.run(1_000);
  t.is(server.manager.size, 1);
  t.is(server.received(server.accepted()).toString(), REQUEST.toString());
});

test('a lost answer to a SYN is sent again when the SYN comes again', (t) => {
  const { net, client, server } = pair();
  let answers = 0;
  net.tamper = (bytes, from) => (from === server.hash && answers++ === 0 ? undefined : bytes);
  const stream = client.connect(server.hash, 80, REQUEST);
  const took = net.time.run(MINUTE, () => client.events.length > 0);
  t.true(took < 5_300, `${took} ms`);
  t.is(client.of(stream).over, undefined);
});

test('a SYN meant for somebody else is ignored (proposal 164)', (t) => {
  const { net, client, server } = pair();
  net.bound = false;
  const replayed: Uint8Array[] = [];
  net.tamper = (bytes) => {
    replayed.push(bytes);
    return undefined;
  };
  client.connect(keysOf('mallory').destination.hash, 80, REQUEST);
  net.tamper = undefined;
  for (const bytes of replayed) server.step({ kind: 'packet', senders: [], fromPort: 0, toPort: 80, bytes });
  t.is(server.manager.size, 0);
});

test('i2pd’s unsigned SYN is accepted from a session bound to its Destination only', (t) => {
  const { server } = pair();
  const { destination } = keysOf('client');
  const bytes = encodePacket({
    sendStreamId: 0,
    receiveStreamId: 77,
    sequence: 0,
    ackThrough: 0,
    nacks: [],
    resendDelay: 9,
    flags:
      STREAM_FLAG.synchronize |
      STREAM_FLAG.noAck |
      STREAM_FLAG.fromIncluded |
      STREAM_FLAG.maxPacketSizeIncluded,
    from: destination,
    maxPacketSize: 1_812,
    payload: REQUEST,
  });
  const give = (senders: readonly DestHash[]): void =>
    server.step({ kind: 'packet', senders, fromPort: 0, toPort: 80, bytes });
  give([]);
  t.is(server.manager.size, 0);
  give([keysOf('somebody else').destination.hash]);
  t.is(server.manager.size, 0);
  give([destination.hash]);
  t.is(server.manager.size, 1);
});

test('a peer with offline keys is served, until they expire', (t) => {
  const { net, server } = pair();
  net.bound = false;
  const keys = keysOf('offline');
  const signer = offlineSigner(keys, net.time.now + 3_600_000);
  const client = net.endpoint('offline', keys, signer);
  serve(server, pattern(50_000));
  const fetch = (): StreamId => {
    const stream = client.connect(server.hash, 80, REQUEST);
    client.step({ kind: 'end', stream });
    net.time.run(5_000);
    return stream;
  };
  t.is(client.of(fetch()).over, 'closed');
  net.time.run(3_600_000);
  const late = fetch();
  t.is(client.of(late).bytes, 0);
});

test('ping is answered with at most 32 bytes of its payload', (t) => {
  const { net, client, server } = pair();
  client.step({ kind: 'ping', remote: server.hash, id: 42, payload: pattern(50) });
  net.time.run(1_000);
  const pong = client.events[0];
  if (pong?.kind !== 'pong') return t.fail('no pong');
  t.is(pong.id, 42);
  t.deepEqual(pong.senders, [server.hash]);
  t.deepEqual(Buffer.from(pong.payload), pattern(50).subarray(0, 32));
});

test('late and needless ticks do no harm', (t) => {
  const { net, client, server } = pair();
  const body = pattern(100_000);
  serve(server, body);
  const stream = client.connect(server.hash, 80, REQUEST);
  for (let i = 0; i < 400; i++) {
    net.time.after(i * 5, () => {
      client.step({ kind: 'tick' });
      server.step({ kind: 'tick' });
    });
  }
  net.time.run(MINUTE);
  t.true(client.received(stream).equals(body));
});

test('the same inputs, entropy and times give the same outputs', (t) => {
  const record = (): string => {
    const { net, client, server } = pair({ loss: 0.1, jitter: 40 });
    const seen: string[] = [];
    net.tamper = (bytes) => {
      seen.push(`${net.time.now} ${Buffer.from(bytes).toString('base64')}`);
      return bytes;
    };
    serve(server, pattern(60_000));
    client.connect(server.hash, 80, REQUEST);
    net.time.run(MINUTE);
    return seen.join('\n');
  };
  t.is(record(), record());
});

function offlineSigner(keys: ReturnType<typeof keysOf>, expires: number): Signer {
  const seed = recordedEntropy('transient')(32);
  const head = Buffer.alloc(6);
  head.writeUInt32BE(Math.floor(expires / 1_000), 0);
  head.writeUInt16BE(7, 4);
  const signed = Buffer.concat([head, ed25519Public(seed)]);
  return {
    destination: keys.destination,
    signatureLength: 64,
    offlineSection: Buffer.concat([signed, ed25519Sign(keys.signingSeed, signed)]),
    sign: (message) => ed25519Sign(seed, message),
  };
}
