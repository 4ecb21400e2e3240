import { i2npBlockSize } from '@allium/router/ntcp2/blocks.ts';
import { FrameOpener, LENGTH_SIZE } from '@allium/router/ntcp2/frame.ts';
import { FrameReader } from '@allium/router/ntcp2/frame-reader.ts';
import { FrameWriter } from '@allium/router/ntcp2/frame-writer.ts';
import type { DirectionKeys } from '@allium/router/ntcp2/transport-keys.ts';
import type { Output } from '@allium/router/ntcp2/types.ts';
import { Bench } from 'tinybench';
import { connectedPair, message, NOW } from '../router/ntcp2/support.ts';
import { recordedEntropy } from '../support/entropy.ts';
import { Prepared } from './prepared.ts';

/** Bytes of a TunnelData message's body. */
const TUNNEL_DATA = 1_028;
/** TunnelData messages in the frames that a download brings when the sender has more to send than the line takes. */
const FULL_FRAME = 15;

/** The data phase of NTCP2: frames by themselves, and a tunnel message through a session. */
export async function suite(): Promise<Bench> {
  const bench = new Bench({ name: 'ntcp2', time: 500 });
  for (const count of [1, FULL_FRAME]) addFrames(bench, count);
  addSession(bench);
  return bench;
}

function addFrames(bench: Bench, count: number): void {
  const random = recordedEntropy('bench frame');
  const keys: DirectionKeys = { key: random(32), sipKey: random(16), sipIv: random(8) };
  const batch = Array.from({ length: count }, (_, id) => message(id, TUNNEL_DATA));
  const size = batch.reduce((sum, one) => sum + i2npBlockSize(one), 0);
  const name = count === 1 ? 'one tunnel message' : `${count} tunnel messages`;
  const sealing = new FrameWriter(keys, recordedEntropy('bench padding'));
  bench.add(`seal a frame of ${name}`, () => {
    sealing.messages(batch, size);
  });
  const writer = new FrameWriter(keys, recordedEntropy('bench padding'));
  const opener = new FrameOpener(keys);
  const reader = new FrameReader();
  const frames = new Prepared(() => writer.messages(batch, size));
  const open = (): void => {
    const frame = frames.take();
    const length = opener.length(frame.subarray(0, LENGTH_SIZE));
    const blocks = opener.open(frame.subarray(LENGTH_SIZE));
    const outputs: Output[] = [];
    if (length === undefined || !blocks || reader.read(blocks, 0, outputs)) throw new Error('frame refused');
  };
  bench.add(`open and read a frame of ${name}`, open, frames.options);
}

function addSession(bench: Bench): void {
  const sent = message(1, TUNNEL_DATA);
  const [out] = [connectedPair().alice.session];
  bench.add('session: send a tunnel message', () => {
    out.step({ kind: 'send', message: sent }, NOW);
  });
  const pair = connectedPair();
  const [alice, bob] = [pair.alice.session, pair.bob.session];
  const pieces = new Prepared(() => {
    const outputs = alice.step({ kind: 'send', message: sent }, NOW);
    return outputs.find((output) => output.kind === 'send')?.bytes ?? new Uint8Array(0);
  });
  const receive = (): void => {
    const outputs = bob.step({ kind: 'bytes', bytes: pieces.take() }, NOW);
    if (outputs[0]?.kind !== 'message') throw new Error('message lost');
  };
  bench.add('session: receive a tunnel message', receive, pieces.options);
}
