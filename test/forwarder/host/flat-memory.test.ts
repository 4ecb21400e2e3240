import { request } from 'node:http';
import { Readable } from 'node:stream';
import test from 'ava';
import { buffersInUse } from '../../support/buffers-in-use.ts';
import { siteRig } from '../support/site-rig.ts';

const MB = 1024 * 1024;
const TOTAL = 50 * MB;

/** Bytes that stand between a source and a reader who does not read: kernel buffers of three TCP connections. */
const IN_FLIGHT_MAX = 24 * MB;

test.serial('50 MB pass at the pace of their reader, in flat memory', async (t) => {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let produced = 0;
  const rig = await siteRig(t, (_req, res) => {
    const source = new Readable({
      read() {
        produced += chunk.length;
        this.push(produced <= TOTAL ? chunk : null);
      },
    });
    source.pipe(res);
  });
  const before = buffersInUse();
  let got = 0;
  let ahead = 0;
  let peak = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const asked = request({
    ...rig.proxy,
    path: 'http://site.i2p/',
    headers: { host: 'site.i2p' },
    agent: false,
  });
  asked.once('error', reject);
  asked.once('response', async (answer) => {
    // Nobody reads for a moment: what is produced meanwhile is what the way holds.
    await new Promise((done) => setTimeout(done, 300));
    ahead = produced;
    let next = 5 * MB;
    for await (const part of answer) {
      got += part.length;
      if (got < next) continue;
      next += 5 * MB;
      peak = Math.max(peak, buffersInUse() - before);
    }
    resolve();
  });
  asked.end();
  await promise;
  t.is(got, TOTAL);
  t.true(ahead < IN_FLIGHT_MAX, `${ahead} bytes were taken without a reader`);
  t.true(peak < 8 * MB, `${peak} bytes of buffers`);
});

test.serial('a site that does not read stops the upload of a browser', async (t) => {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let produced = 0;
  let got = 0;
  const rig = await siteRig(t, async (req, res) => {
    await new Promise((done) => setTimeout(done, 300));
    const ahead = produced;
    for await (const part of req) got += part.length;
    res.end(String(ahead));
  });
  const source = new Readable({
    read() {
      produced += chunk.length;
      this.push(produced <= TOTAL ? chunk : null);
    },
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const asked = request({
    ...rig.proxy,
    method: 'PUT',
    path: 'http://site.i2p/',
    headers: { host: 'site.i2p' },
    agent: false,
  });
  asked.once('error', reject);
  asked.once('response', async (answer) => resolve((await answer.setEncoding('latin1').toArray()).join('')));
  source.pipe(asked);
  const ahead = Number(await promise);
  t.is(got, TOTAL);
  t.true(ahead < IN_FLIGHT_MAX, `${ahead} bytes were taken without a reader`);
});
