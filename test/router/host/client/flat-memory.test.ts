import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { buffersInUse } from '../../../support/buffers-in-use.ts';
import { listening } from '../../../support/tcp.ts';
import { type StreamsRig, startStreams, through } from './streams-rig.ts';

const MB = 1024 * 1024;
const TOTAL = 50 * MB;

/** Bytes that stand between a source and a reader who does not read: kernel buffers of two TCP connections. */
const IN_FLIGHT_MAX = 16 * MB;

/** `TOTAL` bytes, and how many of them were taken. */
function source(): { readonly stream: Readable; readonly taken: () => number } {
  const chunk = randomBytes(64 * 1024);
  let taken = 0;
  const stream = new Readable({
    read() {
      taken += chunk.length;
      this.push(taken <= TOTAL ? chunk : null);
    },
  });
  return { stream, taken: () => taken };
}

/** Reads to the end; the result is the largest sum of buffers on the way, over those before. */
async function drain(from: Readable): Promise<{ readonly got: number; readonly peak: number }> {
  const before = buffersInUse();
  let [got, peak, next] = [0, 0, 5 * MB];
  for await (const part of from as AsyncIterable<Buffer>) {
    got += part.length;
    if (got < next) continue;
    next += 5 * MB;
    peak = Math.max(peak, buffersInUse() - before);
  }
  return { got, peak };
}

/** A site that hands each connection to `serve`. */
async function siteOf(t: ExecutionContext, serve: (socket: Socket) => void) {
  const rig: StreamsRig = await startStreams(t);
  rig.dialer.ports.set(80, await listening(t, createServer({ allowHalfOpen: true }, serve)));
  return rig;
}

test.serial('50 MB pass at the pace of their reader, in flat memory', async (t) => {
  const { stream, taken } = source();
  const rig = await siteOf(t, (socket) => stream.pipe(socket));
  const socket = await through(rig, { port: 80 });
  // Nobody reads for a moment: what is taken meanwhile is what the way holds.
  await sleep(300);
  const ahead = taken();
  const { got, peak } = await drain(socket);
  t.is(got, TOTAL);
  t.true(ahead < IN_FLIGHT_MAX, `${ahead} bytes were taken without a reader`);
  t.true(peak < 8 * MB, `${peak} bytes of buffers`);
});

test.serial('a site that does not read stops who sends to it', async (t) => {
  const { promise, resolve } = Promise.withResolvers<{ ahead: number; got: number; peak: number }>();
  const { stream, taken } = source();
  const rig = await siteOf(t, async (socket) => {
    await sleep(300);
    const ahead = taken();
    resolve({ ahead, ...(await drain(socket)) });
  });
  const socket = await through(rig, { port: 80 });
  stream.pipe(socket);
  const { ahead, got, peak } = await promise;
  t.is(got, TOTAL);
  t.true(ahead < IN_FLIGHT_MAX, `${ahead} bytes were taken without a reader`);
  t.true(peak < 8 * MB, `${peak} bytes of buffers`);
});
