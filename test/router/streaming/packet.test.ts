import { DecodeError } from '@allium/common/bytes/errors.ts';
import { ed25519Public, ed25519Sign } from '@allium/router/crypto/ed25519.ts';
import {
  type DecodedPacket,
  decodePacket,
  encodePacket,
  STREAM_FLAG,
  type StreamPacket,
} from '@allium/router/streaming/packet.ts';
import { encodeSigned, verifyPacket } from '@allium/router/streaming/signing.ts';
import { hashBytes } from '@allium/router/wire/hash.ts';
import { type Signer, signerOf } from '@allium/router/wire/identity.ts';
import test from 'ava';
import fc from 'fast-check';
import { onlyDecodeErrors } from '../../support/codec-macro.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { keysOf } from './stream-net.ts';

const NOW = 1_790_000_000_000;
const alice = keysOf('alice');
const bob = keysOf('bob');

const plain: StreamPacket = {
  sendStreamId: 0x01020304,
  receiveStreamId: 0xfffefdfc,
  sequence: 7,
  ackThrough: 5,
  nacks: [2, 4],
  resendDelay: 9,
  flags: STREAM_FLAG.delayRequested,
  delay: 61_000,
  payload: Buffer.from('hello'),
};

const syn: StreamPacket = {
  ...plain,
  sendStreamId: 0,
  sequence: 0,
  ackThrough: 0,
  nacks: [],
  target: hashBytes(bob.destination.hash),
  delay: undefined,
  flags:
    STREAM_FLAG.synchronize |
    STREAM_FLAG.noAck |
    STREAM_FLAG.fromIncluded |
    STREAM_FLAG.maxPacketSizeIncluded,
  from: alice.destination,
  maxPacketSize: 1812,
};

/** An OfflineSignature structure by `alice` for a transient key. */
function offline(expires: number): Signer {
  const seed = recordedEntropy('transient')(32);
  const head = Buffer.alloc(6);
  head.writeUInt32BE(Math.floor(expires / 1000), 0);
  head.writeUInt16BE(7, 4);
  const signed = Buffer.concat([head, ed25519Public(seed)]);
  const offlineSection = Buffer.concat([signed, ed25519Sign(alice.signingSeed, signed)]);
  const { destination } = alice;
  return { destination, offlineSection, signatureLength: 64, sign: (message) => ed25519Sign(seed, message) };
}

test('a data packet has the layout of the Streaming Protocol', (t) => {
  t.is(
    Buffer.from(encodePacket(plain)).toString('hex'),
    [
      '01020304', // send stream ID
      'fffefdfc', // receive stream ID
      '00000007', // sequence
      '00000005', // ack through
      '02', // NACK count
      '0000000200000004',
      '09', // resend delay
      '0040', // flags: delay requested
      '0002', // option size
      'ee48', // 61000 ms
      '68656c6c6f',
    ].join(''),
  );
});

test('a packet without NACKs and options takes 22 bytes', (t) => {
  t.is(
    encodePacket({ ...plain, nacks: [], flags: 0, delay: undefined, payload: new Uint8Array(0) }).length,
    22,
  );
});

test('what was encoded is decoded', (t) => {
  const { bytes, signatureAt, ...decoded } = decodePacket(encodePacket(plain));
  t.like(decoded, { ...plain, payload: Buffer.from('hello') });
  t.is(signatureAt, 0);
  t.is(bytes.length, 22 + 8 + 2 + 5);
});

test('any packet survives the way over the wire', (t) => {
  const u32 = fc.nat({ max: 0xffff_ffff });
  const shape = fc.record({
    sendStreamId: u32,
    receiveStreamId: u32,
    sequence: u32,
    ackThrough: u32,
    // Eight would be a target in a SYN; without the SYN flag they are NACKs as any other number of them.
    nacks: fc.array(u32, { maxLength: 255 }),
    resendDelay: fc.nat({ max: 255 }),
    delay: fc.option(fc.nat({ max: 65_535 }), { nil: undefined }),
    payload: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(shape, (fields) => {
      const flags = fields.delay === undefined ? 0 : STREAM_FLAG.delayRequested;
      const decoded = decodePacket(encodePacket({ ...fields, flags }));
      const { sendStreamId, receiveStreamId, sequence, ackThrough, resendDelay, delay } = fields;
      t.like(decoded, { sendStreamId, receiveStreamId, sequence, ackThrough, resendDelay, delay, flags });
      t.deepEqual([...decoded.nacks], fields.nacks);
      t.deepEqual(Buffer.from(decoded.payload), Buffer.from(fields.payload));
    }),
  );
});

test('a SYN carries its options in order and the hash of its target in place of NACKs', (t) => {
  const bytes = Buffer.from(encodeSigned(syn, signerOf(alice)));
  t.is(bytes[16], 8);
  t.deepEqual(bytes.subarray(17, 49), Buffer.from(hashBytes(bob.destination.hash)));
  const options = bytes.subarray(54);
  t.is(bytes.readUInt16BE(52), 391 + 2 + 64);
  t.deepEqual(options.subarray(0, 391), Buffer.from(alice.destination.raw));
  t.is(options.readUInt16BE(391), 1812);
  t.deepEqual(options.subarray(391 + 2 + 64), Buffer.from('hello'));
  const packet = decodePacket(bytes);
  t.deepEqual(packet.nacks, []);
  t.is(packet.from?.hash, alice.destination.hash);
  t.true(verifyPacket(packet, { destination: alice.destination }, NOW));
});

test('the signature covers the whole packet with its own place zeroed', (t) => {
  const bytes = Buffer.from(encodeSigned(syn, signerOf(alice)));
  const at = 54 + 391 + 2;
  const signature = Buffer.from(bytes.subarray(at, at + 64));
  const zeroed = Buffer.from(bytes).fill(0, at, at + 64);
  t.deepEqual(signature, Buffer.from(ed25519Sign(alice.signingSeed, zeroed)));
});

test('a flipped bit anywhere makes a signed packet worthless', (t) => {
  const bytes = encodeSigned(syn, signerOf(alice));
  for (let bit = 0; bit < bytes.length * 8; bit += 97) {
    const flipped = Buffer.from(bytes);
    flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    t.false(accepts(flipped), `bit ${bit}`);
  }
});

test('a signature of somebody else, or none, is no proof', (t) => {
  const packet = decodePacket(encodeSigned(syn, signerOf(alice)));
  t.false(verifyPacket(packet, { destination: bob.destination }, NOW));
  t.false(verifyPacket(decodePacket(encodePacket(syn)), { destination: alice.destination }, NOW));
});

test('a transient key signs as long as the Destination vouches for it', (t) => {
  const signer = offline(NOW + 86_400_000);
  const packet = decodePacket(encodeSigned(syn, signer));
  t.is(packet.offline?.signatureType, 7);
  t.true(verifyPacket(packet, { destination: alice.destination }, NOW));
  t.false(verifyPacket(packet, { destination: alice.destination }, NOW + 2 * 86_400_000));
});

test('an offline section that the Destination did not sign is refused', (t) => {
  const bytes = Buffer.from(encodeSigned(syn, offline(NOW + 86_400_000)));
  const at = 54 + 391 + 2 + 8;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  t.throws(() => decodePacket(bytes), { instanceOf: DecodeError });
});

test('a CLOSE as i2pd signs it offline, without FROM, is read with the stream’s Destination', (t) => {
  const bytes = encodeSigned(
    { ...plain, flags: STREAM_FLAG.close, delay: undefined },
    offline(NOW + 86_400_000),
  );
  const packet = decodePacket(bytes, alice.destination);
  t.true(verifyPacket(packet, { destination: alice.destination }, NOW));
  t.throws(() => decodePacket(bytes), { instanceOf: DecodeError });
});

test('i2pd’s unsigned packet with the offline flag and no section is read', (t) => {
  const flags = STREAM_FLAG.synchronize | STREAM_FLAG.fromIncluded | STREAM_FLAG.offlineSignature;
  const packet = decodePacket(encodePacket({ ...syn, flags, target: undefined }));
  t.is(packet.offline, undefined);
  t.is(packet.from?.hash, alice.destination.hash);
});

test('malformed packets give DecodeErrors only', (t) => {
  onlyDecodeErrors(t, decodePacket, encodeSigned(syn, offline(NOW)));
  const bytes = encodePacket(plain);
  for (let length = 0; length < bytes.length - plain.payload.length; length++) {
    t.throws(() => decodePacket(bytes.subarray(0, length)), { instanceOf: DecodeError }, `prefix ${length}`);
  }
});

test('more NACKs than the count can say are our mistake', (t) => {
  t.throws(() => encodePacket({ ...plain, nacks: new Array(256).fill(1) }), { instanceOf: RangeError });
});

function accepts(bytes: Uint8Array): boolean {
  let packet: DecodedPacket;
  try {
    packet = decodePacket(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return false;
    throw error;
  }
  return (
    packet.from?.hash === alice.destination.hash &&
    verifyPacket(packet, { destination: alice.destination }, NOW)
  );
}
