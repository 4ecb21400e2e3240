import {
  MAX_PENDING,
  MAX_STREAMS_PER_REMOTE,
  STRAY_BURST,
  STRAY_RATE,
  SYN_BURST,
} from '@allium/router/streaming/limits.ts';
import { encodePacket, STREAM_FLAG } from '@allium/router/streaming/packet.ts';
import { RECEIVE_LIMIT } from '@allium/router/streaming/receiver.ts';
import { encodeSigned } from '@allium/router/streaming/signing.ts';
import type { StreamInput } from '@allium/router/streaming/types.ts';
import { type DestHash, hashBytes } from '@allium/router/wire/hash.ts';
import { signerOf } from '@allium/router/wire/identity.ts';
import test from 'ava';
import fc from 'fast-check';
import { type Endpoint, keysOf, pattern, pump, StreamNet } from './stream-net.ts';

const mallory = keysOf('mallory');
const NO_BYTES = new Uint8Array(0);

function synBytes(id: number, target: DestHash, keys = mallory): Uint8Array {
  return encodeSigned(
    {
      sendStreamId: 0,
      receiveStreamId: id,
      sequence: 0,
      ackThrough: 0,
      nacks: [],
      target: hashBytes(target),
      resendDelay: 9,
      flags:
        STREAM_FLAG.synchronize |
        STREAM_FLAG.noAck |
        STREAM_FLAG.fromIncluded |
        STREAM_FLAG.maxPacketSizeIncluded,
      from: keys.destination,
      maxPacketSize: 1_812,
      payload: NO_BYTES,
    },
    signerOf(keys),
  );
}

function listening(): { net: StreamNet; server: Endpoint } {
  const net = new StreamNet();
  const server = net.endpoint('server');
  server.step({ kind: 'listen', port: 80 });
  return { net, server };
}

function packetOf(bytes: Uint8Array, senders: readonly DestHash[] = []): StreamInput {
  return { kind: 'packet', senders, fromPort: 0, toPort: 80, bytes };
}

test('one Destination can open so many streams and no more', (t) => {
  const { net, server } = listening();
  for (let id = 1; id <= 500; id++) {
    server.step(packetOf(synBytes(id, server.hash)));
    net.time.run(20);
  }
  t.is(server.manager.size, MAX_STREAMS_PER_REMOTE);
});

test('a flood of SYNs from many Destinations leaves bounded traces, and those fade', (t) => {
  const { net, server } = listening();
  for (let remote = 0; remote < 30; remote++) {
    const keys = keysOf(`flood ${remote}`);
    for (let id = 1; id <= 20; id++) server.step(packetOf(synBytes(id, server.hash, keys)));
  }
  t.true(server.manager.size <= Math.min(MAX_PENDING, SYN_BURST));
  net.time.run(20 * 60_000);
  t.is(server.manager.size, 0);
});

test('packets that belong nowhere are answered at a bounded rate', (t) => {
  const { net, server } = listening();
  const from = [mallory.destination.hash];
  for (let i = 0; i < 5_000; i++) {
    const stray = encodePacket({
      sendStreamId: 1_000 + i,
      receiveStreamId: 5,
      sequence: 3,
      ackThrough: 2,
      nacks: [],
      resendDelay: 0,
      flags: 0,
      payload: NO_BYTES,
    });
    server.step(packetOf(stray, from));
    net.time.run(1);
  }
  t.true(server.sent >= STRAY_BURST);
  t.true(server.sent <= STRAY_BURST + 5 * STRAY_RATE + 1, `${server.sent}`);
});

test('any numbers in a packet that belongs nowhere are answered without harm', (t) => {
  const { net, server } = listening();
  const u32 = fc.oneof(fc.constantFrom(0, 1, 0x7fff_ffff, 0xffff_ffff), fc.nat({ max: 0xffff_ffff }));
  fc.assert(
    fc.property(u32, u32, u32, u32, fc.nat({ max: 0xffff }), (send, receive, sequence, through, flags) => {
      const plain =
        flags &
        ~(STREAM_FLAG.fromIncluded | STREAM_FLAG.signatureIncluded | STREAM_FLAG.maxPacketSizeIncluded);
      const packet = {
        sendStreamId: send,
        receiveStreamId: receive,
        sequence,
        ackThrough: through,
        nacks: [],
        resendDelay: 0,
        flags: plain,
        delay: 0,
        payload: NO_BYTES,
      };
      server.step(packetOf(encodePacket(packet), [mallory.destination.hash]));
      net.time.run(200);
      t.is(server.manager.size, 0);
    }),
    { numRuns: 300 },
  );
  t.true(server.sent > 10, `${server.sent}`);
});

test('a RESET or CLOSE without proof does nothing', (t) => {
  const { net, server } = listening();
  const client = net.endpoint('client');
  net.bound = false;
  const stream = client.connect(server.hash);
  net.time.run(1_000);
  const accepted = server.accepted();
  for (const flag of [STREAM_FLAG.reset, STREAM_FLAG.close]) {
    const forged = {
      sendStreamId: accepted,
      receiveStreamId: stream,
      sequence: 1,
      ackThrough: 0,
      nacks: [],
      resendDelay: 0,
      flags: flag,
      payload: NO_BYTES,
    };
    server.step(packetOf(encodePacket(forged)));
    server.step(packetOf(encodeSigned(forged, signerOf(mallory))));
    server.step(packetOf(encodePacket(forged), [mallory.destination.hash]));
  }
  t.is(server.of(accepted).over, undefined);
  t.false(server.of(accepted).ended);
  pump(client, stream, pattern(10_000));
  net.time.run(60_000);
  t.is(server.of(accepted).bytes, 10_000);
});

test('a session of another Destination has no way into a stream', (t) => {
  const { net, server } = listening();
  const client = net.endpoint('client');
  const stream = client.connect(server.hash);
  net.time.run(1_000);
  const accepted = server.accepted();
  const forged = encodePacket({
    sendStreamId: accepted,
    receiveStreamId: stream,
    sequence: 1,
    ackThrough: 0,
    nacks: [],
    resendDelay: 0,
    flags: 0,
    payload: Buffer.from('evil'),
  });
  server.step(packetOf(forged, [mallory.destination.hash]));
  t.is(server.of(accepted).bytes, 0);
});

test('a sender that never stops fills a bounded buffer', (t) => {
  const { net, server } = listening();
  server.consuming = false;
  server.step(packetOf(synBytes(9, server.hash)));
  const accepted = server.accepted();
  const from = [mallory.destination.hash];
  for (let sequence = 1; sequence < 3_000; sequence++) {
    const data = {
      sendStreamId: accepted,
      receiveStreamId: 9,
      // every third is missing for a while
      sequence: sequence % 3 === 0 ? sequence + 700 : sequence,
      ackThrough: 0,
      nacks: [],
      resendDelay: 0,
      flags: 0,
      payload: new Uint8Array(4_096),
    };
    server.step(packetOf(encodePacket(data), from));
  }
  net.time.run(1_000);
  t.true(server.manager.buffered <= RECEIVE_LIMIT + 4_096, `${server.manager.buffered}`);
});

test('oversized payloads are not delivered', (t) => {
  const { server } = listening();
  server.step(packetOf(synBytes(9, server.hash)));
  const accepted = server.accepted();
  const big = {
    sendStreamId: accepted,
    receiveStreamId: 9,
    sequence: 1,
    ackThrough: 0,
    nacks: [],
    resendDelay: 0,
    flags: 0,
    payload: new Uint8Array(40_000),
  };
  server.step(packetOf(encodePacket(big), [mallory.destination.hash]));
  t.is(server.of(accepted).bytes, 0);
});

test('flipped and cut packets of a living stream throw nothing and break nothing', (t) => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.double({ min: 0, max: 0.3, noNaN: true }),
      fc.boolean(),
      (seed, share, bound) => {
        const net = new StreamNet({}, `flip ${seed}`);
        net.bound = bound;
        let state = seed >>> 0;
        const dice = (below: number): number => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          return Math.floor((state / 2 ** 32) * below);
        };
        // AEAD and gzip's CRC drop such packets before they get here: this is a peer gone mad, not line noise.
        net.tamper = (bytes) => {
          if (dice(1_000) >= share * 1_000) return bytes;
          const copy = Buffer.from(bytes.subarray(0, dice(3) === 0 ? dice(bytes.length) : bytes.length));
          const at = dice(Math.min(copy.length, 60));
          if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << dice(8));
          return copy;
        };
        const [client, server] = [net.endpoint('client'), net.endpoint('server')];
        server.step({ kind: 'listen', port: 80 });
        server.onEvent = (event) => {
          if (event.kind === 'opened') pump(server, event.stream, pattern(20_000));
        };
        const stream = client.connect(server.hash, 80, pattern(500));
        client.step({ kind: 'end', stream });
        net.time.run(3 * 3_600_000);
        t.is(client.manager.size, 0);
        t.is(client.manager.buffered + server.manager.buffered, 0);
      },
    ),
    { numRuns: 40 },
  );
});

test('random packets in any number leave no trace', (t) => {
  const { net, server } = listening();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (bytes, bound) => {
      server.step(packetOf(bytes, bound ? [mallory.destination.hash] : []));
      t.is(server.manager.size, 0);
    }),
    { numRuns: 500 },
  );
  net.time.run(60_000);
  t.is(server.manager.buffered, 0);
});

test('acks of everything and nothing do not confuse a sender', (t) => {
  const { net, server } = listening();
  const client = net.endpoint('client');
  const stream = client.connect(server.hash);
  net.time.run(1_000);
  const accepted = server.accepted();
  fc.assert(
    fc.property(
      fc.nat({ max: 0xffff_ffff }),
      fc.array(fc.nat({ max: 50 }), { maxLength: 255 }),
      (through, nacks) => {
        const ack = {
          sendStreamId: stream,
          receiveStreamId: accepted,
          sequence: 0,
          ackThrough: through,
          nacks,
          resendDelay: 0,
          flags: 0,
          payload: NO_BYTES,
        };
        client.step(packetOf(encodePacket(ack), [server.hash]));
      },
    ),
  );
  pump(client, stream, pattern(30_000));
  net.time.run(60_000);
  t.true(server.received(accepted).equals(pattern(30_000)));
});
