import { aeadSeal } from '@allium/router/crypto/aead.ts';
import { encodeLong } from '@allium/router/i2np/message.ts';
import { sealOneTime } from '@allium/router/i2np/one-time-garlic.ts';
import { readOptions } from '@allium/router/tunnel/build-options.ts';
import { buildReplyCodec, buildRequestCodec, openRequest } from '@allium/router/tunnel/build-record.ts';
import { findRequest, openReply } from '@allium/router/tunnel/build-reply.ts';
import { createBuild } from '@allium/router/tunnel/build-request.ts';
import { TunnelEndpoint } from '@allium/router/tunnel/endpoint.ts';
import { checksumOf, readFragments } from '@allium/router/tunnel/fragment.ts';
import { OneTimeKeys, wrapOneTime } from '@allium/router/tunnel/one-time-reply.ts';
import { openGatewayMessage, TransitTunnels } from '@allium/router/tunnel/participant.ts';
import { readRecords } from '@allium/router/tunnel/record-set.ts';
import { SendQueue } from '@allium/router/tunnel/send-queue.ts';
import { TunnelCounters } from '@allium/router/tunnel/tunnel-counters.ts';
import { decodeTunnelled } from '@allium/router/tunnel/tunnelled.ts';
import { hashBytes } from '@allium/router/wire/hash.ts';
import { Chance } from '../engine/chance.ts';
import { Script } from '../engine/script.ts';
import { promise, type Targets, unlessRefused } from '../engine/target.ts';
import { NOW, ROUTER } from './forge.ts';
import { BLOCKS, MESSAGE, oddBlocks } from './forge-messages.ts';
import { CLEAR_REQUEST, OTHER, oddRequest, sealedRecord, tunnelMessage } from './forge-tunnel.ts';
import { codecTarget } from './wire.ts';

const fixed = new Chance('tunnel');
const SELF = ROUTER.identity.hash;
const ONE_TIME = { key: Buffer.alloc(32, 5), tag: Buffer.alloc(8, 6) };
const CLEAR_REPLY = 202;

/** A build of one hop, and what its reply is opened with. */
const plan = { hash: SELF, publicKey: ROUTER.encryption.publicKey };
const built = createBuild(
  { direction: 'outbound', hops: [plan], local: OTHER, end: { router: OTHER, tunnelId: 4 }, replyId: 5 },
  NOW,
  fixed.random,
);
if (built === undefined) throw new Error('a build of one hop can be made');
const { pending } = built;
const [hop] = pending.hops;

function sealedReply(clear: Uint8Array): Buffer {
  const plain = Buffer.alloc(CLEAR_REPLY);
  plain.set(clear.subarray(0, CLEAR_REPLY));
  const records = Array.from({ length: pending.count }, () => Buffer.alloc(218, 1));
  if (hop) records[hop.slot] = Buffer.from(aeadSeal(hop.keys.replyKey, hop.slot, hop.keys.hash, plain));
  return Buffer.concat([Buffer.of(pending.count), ...records]);
}

const MENDED = (input: Uint8Array): Buffer => {
  const out = Buffer.alloc(1_028);
  out.set(input.subarray(0, 1_028));
  const zero = out.indexOf(0, 24);
  if (zero >= 0) out.set(checksumOf(out, zero + 1), 20);
  return out;
};

const WHOLE = Buffer.concat([Buffer.of(0, 0, 20), encodeLong(MESSAGE)]);
const FIRST = Buffer.concat([Buffer.of(8, 0, 0, 0, 1, 0, 3), Buffer.from('abc')]);
const LAST = Buffer.concat([Buffer.of(0x83, 0, 0, 0, 1, 0, 3), Buffer.from('def')]);
const FRAGMENTS = [WHOLE, FIRST, LAST, Buffer.concat([FIRST, LAST, WHOLE])];
/** Bytes of a fragment in `playFragments`. */
const SIZES = [1, 2, 900, 990];
const HELD_MAX = 256 * 1024;

/** One fragment for every four bytes: what it is, whose, which number, how long. */
function playFragments(input: Buffer): unknown {
  const script = new Script(input);
  const endpoint = new TunnelEndpoint();
  let delivered = 0;
  for (let now = NOW; !script.ended; ) {
    const [what, id, number, size] = [script.u8(), script.u8(), script.u8(), script.pick(SIZES)];
    now += what < 250 ? 1 : 20_000;
    const head = Buffer.of(
      what % 5 === 0 ? 8 : 0x80 | (number & 0x7e) | Number(what % 7 === 0),
      0,
      0,
      0,
      id,
      size >> 8,
      size & 255,
    );
    const message = tunnelMessage(Buffer.concat([head, Buffer.alloc(size, id)]));
    delivered += unlessRefused(() => endpoint.accept(message, now).length) ?? 0;
    promise(endpoint.held <= HELD_MAX, 'at most 256 KiB are held');
  }
  return { delivered, lost: endpoint.lost };
}

function transit(): TransitTunnels {
  return new TransitTunnels({
    local: SELF,
    keys: ROUTER.encryption,
    random: new Chance('transit').random,
    counters: new TunnelCounters(),
    queue: new SendQueue(),
    accept: true,
    limit: 100,
    bandwidth: 1_000,
  });
}

/** A build message with our record among others. */
function buildMessage(record: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(4), Buffer.alloc(218, 1), record, Buffer.alloc(2 * 218, 2)]);
}

/** A tunnel through us that was asked for, then its messages. */
function playTransit(input: Buffer): unknown {
  const script = new Script(input);
  const tunnels = transit();
  const out: unknown[] = [];
  for (let steps = 0; !script.ended && steps < 24; steps++) {
    const what = script.u8();
    if (what % 3 === 0) {
      const message = { type: 25, id: 1, expires: NOW, payload: buildMessage(sealedRecord(script.piece())) };
      out.push(tunnels.build(message, (id) => id === 19, NOW));
    } else if (what % 3 === 1) {
      const payload = tunnelMessage(script.piece());
      payload.writeUInt32BE(script.below(20), 0);
      out.push(
        tunnels.data(
          { type: 18, id: 1, expires: NOW, payload },
          script.below(2) === 0 ? OTHER : undefined,
          NOW,
        ),
      );
    } else out.push(tunnels.enter(script.below(20), script.piece(), NOW));
    tunnels.expire(NOW + (what > 250 ? 700_000 : 0));
  }
  promise(tunnels.size <= 24, 'no more tunnels than were asked for');
  return out;
}

const THROUGH_SESSION = 'by whole sessions of a node, router/node';

export const TARGETS: Targets = {
  'router/tunnel/build-options readOptions': {
    run: readOptions,
    seeds: () => [Buffer.from('\x00\x08\x01m=\x0264;\x01r', 'latin1')],
    words: ['=', ';', '\x01m=', '\x01r=', '\x01l=', '\x01b=', '\x02\x36\x34;'],
    mend: (input) => Buffer.concat([Buffer.of(0, Math.max(0, input.length - 2) & 255), input.subarray(2)]),
    longest: 200,
  },
  'router/tunnel/build-record buildReplyCodec': codecTarget(buildReplyCodec, {
    exact: false,
    seeds: () => [Buffer.alloc(CLEAR_REPLY)],
    longest: 256,
  }),
  'router/tunnel/build-record buildRequestCodec': codecTarget(buildRequestCodec, {
    exact: false,
    make: oddRequest,
    longest: 256,
  }),
  'router/tunnel/build-record openRequest': {
    run: (input) => openRequest(input, ROUTER.encryption),
    seeds: () => [sealedRecord(oddRequest(fixed))],
    longest: 256,
  },
  'router/tunnel/build-record openRequest (sealed)': {
    run: (input) => openRequest(sealedRecord(input), ROUTER.encryption),
    make: oddRequest,
    longest: CLEAR_REQUEST,
  },
  'router/tunnel/build-reply findRequest': {
    run: (input) => findRequest(input, hashBytes(SELF), ROUTER.encryption),
    seeds: () => [buildMessage(sealedRecord(oddRequest(fixed)))],
    longest: 1_800,
  },
  'router/tunnel/build-reply openReply': {
    run: (input) => openReply(input, pending),
    seeds: () => [sealedReply(Buffer.alloc(0))],
    longest: 1_800,
  },
  'router/tunnel/build-reply openReply (sealed)': {
    run(input) {
      const answers = openReply(sealedReply(input), pending);
      promise(answers.length === 1, 'one answer of one hop');
      return answers.map(({ reply }) => reply);
    },
    seeds: () => [Buffer.alloc(CLEAR_REPLY)],
    longest: CLEAR_REPLY,
  },
  'router/tunnel/builder TunnelBuilder.reply': THROUGH_SESSION,
  'router/tunnel/endpoint TunnelEndpoint.accept': {
    run: (input) => new TunnelEndpoint().accept(tunnelMessage(input), NOW),
    seeds: () => FRAGMENTS,
    longest: 1_003,
  },
  'router/tunnel/endpoint TunnelEndpoint.accept (many)': {
    run: playFragments,
    slow: true,
    make: (chance) => {
      const script = chance.bytes(4 * (chance.oneIn(3) ? 500 : chance.below(60)));
      // much of one length, and of numbers that never end a message
      if (chance.oneIn(2))
        for (let at = 0; at < script.length; at += 4) script.set([1, at >> 8, at >> 1, 3], at);
      return script;
    },
  },
  'router/tunnel/fragment readFragments': {
    run: readFragments,
    seeds: () => FRAGMENTS.map(tunnelMessage),
    mend: MENDED,
    longest: 1_100,
  },
  'router/tunnel/gateway TunnelGateway.push': 'messages of ours; those of others by TransitTunnels.enter',
  'router/tunnel/inbound-reader InboundReader.read': THROUGH_SESSION,
  'router/tunnel/keeper PoolKeeper.reply': THROUGH_SESSION,
  'router/tunnel/one-time-reply OneTimeKeys.open': {
    run(input) {
      const keys = new OneTimeKeys();
      keys.add(ONE_TIME, NOW + 1);
      return keys.open({ type: 11, id: 1, expires: NOW, payload: input });
    },
    seeds: () => [wrapOneTime(MESSAGE, ONE_TIME, 1, NOW).payload],
    longest: 1_024,
  },
  'router/tunnel/one-time-reply OneTimeKeys.open (sealed)': {
    run(input) {
      const keys = new OneTimeKeys();
      keys.add(ONE_TIME, NOW + 1);
      const payload = Buffer.concat([Buffer.alloc(4), sealOneTime(ONE_TIME, input)]);
      return keys.open({ type: 11, id: 1, expires: NOW, payload });
    },
    make: oddBlocks,
    seeds: () => [BLOCKS],
  },
  'router/tunnel/participant TransitTunnels.build': {
    run: playTransit,
    make: (chance) => oddTransit(chance),
  },
  'router/tunnel/participant TransitTunnels.data': 'by TransitTunnels.build, which asks for its tunnel',
  'router/tunnel/participant TransitTunnels.enter': 'by TransitTunnels.build, which asks for its tunnel',
  'router/tunnel/participant openGatewayMessage': {
    run: (payload) => openGatewayMessage({ type: 19, payload, id: 1, expires: NOW }),
    seeds: () => [Buffer.concat([Buffer.of(0, 0, 0, 9, 0, 3), Buffer.from('abc')])],
  },
  'router/tunnel/record-set readRecords': {
    run(input) {
      const records = readRecords(input);
      promise(records.length >= 1 && records.length <= 8, '1 to 8 records');
      promise(
        records.every((record) => record.length === 218),
        'whole records',
      );
      return records;
    },
    seeds: () => [Buffer.concat([Buffer.of(4), Buffer.alloc(4 * 218)])],
  },
  'router/tunnel/tunnel-core TunnelCore.step': THROUGH_SESSION,
  'router/tunnel/tunnelled decodeTunnelled': { run: decodeTunnelled, seeds: () => [encodeLong(MESSAGE)] },
};

function oddTransit(chance: Chance): Buffer {
  const record = oddRequest(chance);
  const data = chance.pick(FRAGMENTS) ?? WHOLE;
  const steps = [Buffer.of(0, 0, record.length), record];
  for (let more = chance.below(6); more > 0; more--) {
    steps.push(Buffer.of(chance.pick([1, 2, 251] as const), 0, data.length), data, chance.bytes(2));
  }
  return Buffer.concat(steps);
}
