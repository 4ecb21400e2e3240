import { Budget } from '@allium/router/node/budget.ts';
import { StreamManager } from '@allium/router/streaming/manager.ts';
import {
  decodePacket,
  encodePacket,
  peekStreamIds,
  STREAM_FLAG,
  type StreamPacket,
} from '@allium/router/streaming/packet.ts';
import { encodeSigned, verifyPacket } from '@allium/router/streaming/signing.ts';
import type { StreamInput, StreamOutput } from '@allium/router/streaming/types.ts';
import { hashBytes } from '@allium/router/wire/hash.ts';
import { signerOf } from '@allium/router/wire/identity.ts';
import { Chance } from '../engine/chance.ts';
import { pieces, Script } from '../engine/script.ts';
import { promise, type Targets } from '../engine/target.ts';
import { DESTINATION, NOW, STRANGER } from './forge.ts';

const SIGNER = signerOf(STRANGER);
const SELF = DESTINATION.destination.hash;
const THEM = STRANGER.destination.hash;
/** Bytes that all streams of a Destination may hold (streaming/budget.ts), and one more packet. */
const BUDGET = 64 * 1_048_576 + 70_000;

/** A packet with fields from a script: numbers near those that the other side expects. */
function scripted(script: Script, ids: readonly number[]): StreamPacket {
  const flags = script.u16() & 0x0fff & ~STREAM_FLAG.signatureIncluded & ~STREAM_FLAG.offlineSignature;
  const number = (): number => (script.below(8) === 0 ? script.u32() : script.u8() % 40);
  const id = (): number => (script.below(4) === 0 ? script.u8() : (ids[script.below(ids.length)] ?? 0));
  return {
    sendStreamId: id(),
    receiveStreamId: script.u8() % 6,
    sequence: number(),
    ackThrough: number(),
    nacks: Array.from({ length: script.u8() % 12 }, number),
    target: script.below(3) === 0 ? hashBytes(SELF) : undefined,
    resendDelay: script.u8(),
    flags,
    delay: script.u16(),
    from: (flags & STREAM_FLAG.fromIncluded) !== 0 ? STRANGER.destination : undefined,
    maxPacketSize: script.u16(),
    payload: Buffer.alloc(script.pick([0, 1, 500, 1_800]), 7),
  };
}

export const SYN: StreamPacket = {
  sendStreamId: 0,
  receiveStreamId: 3,
  sequence: 0,
  ackThrough: 0,
  nacks: [],
  target: hashBytes(SELF),
  resendDelay: 9,
  flags:
    STREAM_FLAG.synchronize |
    STREAM_FLAG.noAck |
    STREAM_FLAG.fromIncluded |
    STREAM_FLAG.maxPacketSizeIncluded,
  from: STRANGER.destination,
  maxPacketSize: 1_812,
  payload: Buffer.from('GET'),
};

/** An odd packet, validly signed. */
function oddSigned(chance: Chance): Buffer {
  return Buffer.from(encodeSigned(scripted(new Script(chance.bytes(120)), [0, 0, 1]), SIGNER));
}

/** A whole life of streams: packets by the stranger, acts of ours, and time. */
class Play {
  readonly #manager = new StreamManager({
    signer: signerOf(DESTINATION),
    random: new Chance('streams').random,
    shares: new Budget().share(),
  });
  readonly #ids: number[] = [0];
  #now = NOW;
  #outputs = 0;

  run(script: Script): number {
    this.#step({ kind: 'listen', port: 0 });
    this.#packet(encodeSigned(SYN, SIGNER), true);
    const { stream, outputs } = this.#manager.connect(
      THEM,
      { fromPort: 0, toPort: 80 },
      Buffer.from('x'),
      this.#now,
    );
    this.#took([...outputs, { kind: 'end', stream }]);
    for (let steps = 0; !script.ended && steps < 60; steps++) this.#next(script);
    this.#step({ kind: 'close' });
    return this.#outputs;
  }

  #next(script: Script): void {
    const what = script.below(10);
    const stream = this.#ids[script.below(this.#ids.length)] ?? 0;
    const known = script.below(4) > 0;
    if (what < 4) this.#packet(encodePacket(scripted(script, this.#ids)), known);
    else if (what === 4) this.#packet(encodeSigned(scripted(script, this.#ids), SIGNER), known);
    else if (what === 5) this.#packet(script.piece(), known);
    else if (what === 6) this.#step({ kind: 'write', stream, bytes: Buffer.alloc(script.u16() % 4_000) });
    else if (what === 7) this.#step({ kind: script.below(2) === 0 ? 'end' : 'reset', stream });
    else if (what === 8) this.#step({ kind: 'consumed', stream, bytes: script.u16() });
    else {
      this.#now += script.pick([1, 100, 5_000, 130_000]);
      this.#step(script.below(3) === 0 ? { kind: 'resume', remote: THEM, certain: false } : { kind: 'tick' });
    }
  }

  #packet(bytes: Uint8Array, known: boolean): void {
    this.#step({ kind: 'packet', senders: known ? [THEM] : [], fromPort: 0, toPort: 80, bytes });
  }

  #step(input: StreamInput): void {
    this.#took(this.#manager.step(input, this.#now));
    promise(this.#manager.buffered <= BUDGET, 'so many bytes of all streams');
    promise(this.#manager.size <= 2_048, 'so many streams');
  }

  #took(outputs: readonly StreamOutput[]): void {
    promise(outputs.length <= 1_000, 'so much comes of one input');
    this.#outputs += outputs.length;
    for (const output of outputs) {
      if ('stream' in output && !this.#ids.includes(output.stream) && this.#ids.length < 8)
        this.#ids.push(output.stream);
    }
  }
}

const BY_MANAGER = 'by StreamManager.step, whose streams it needs';

export const TARGETS: Targets = {
  'router/streaming/connection Connection.receive': BY_MANAGER,
  'router/streaming/early-packets EarlyPackets.take': BY_MANAGER,
  'router/streaming/manager StreamManager.step': {
    run: (input) => new Play().run(new Script(input)),
    slow: true,
    make: (chance) =>
      Buffer.concat([chance.bytes(20 + chance.below(400)), Buffer.of(5, 0), pieces(oddSigned(chance))]),
    seeds: () => [Buffer.alloc(0)],
  },
  'router/streaming/packet decodePacket': {
    run(input) {
      const packet = decodePacket(input);
      promise(packet.nacks.length <= 255, 'at most 255 NACKs');
      return packet;
    },
    seeds: () => [encodeSigned(SYN, SIGNER)],
    make: oddSigned,
  },
  'router/streaming/packet decodePacket (of a stream)': {
    run: (input) => decodePacket(input, STRANGER.destination),
    seeds: () => [encodePacket({ ...SYN, flags: 0, from: undefined })],
    make: oddSigned,
  },
  'router/streaming/packet peekStreamIds': {
    run: peekStreamIds,
    seeds: () => [Buffer.alloc(22)],
    longest: 64,
  },
  'router/streaming/packet-builder PacketBuilder.data': 'bytes of ours',
  'router/streaming/receive-buffer ReceiveBuffer.receive': BY_MANAGER,
  'router/streaming/receiver Receiver.receive': BY_MANAGER,
  'router/streaming/send-buffer SendBuffer.push': 'bytes of ours',
  'router/streaming/signing verifyPacket': {
    run: (input) => verifyPacket(decodePacket(input), STRANGER, NOW),
    seeds: () => [encodeSigned(SYN, SIGNER)],
    make: oddSigned,
  },
};
