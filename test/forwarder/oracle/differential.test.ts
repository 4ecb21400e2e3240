import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { oracleTest } from '../support/oracle.ts';
import { PROBE_FILES, PROBES, type Probe, probeConfig } from '../support/probes.ts';
import { type RunningProxy, startOurs, startPrivoxy } from '../support/proxies.ts';
import { probe, statusOf } from '../support/raw-client.ts';
import { RecordingParent } from '../support/recording-parent.ts';

const test = oracleTest();

/** What Privoxy did, for machines without one. Written anew with ALLIUM_RECORD=1. */
const VECTORS = join(import.meta.dirname, '../vectors/privoxy-probes.json');
/** Pairs of proxies that work side by side; most of the time is waiting for silence. */
const LANES = 4;

interface Outcome {
  readonly status: string;
  readonly upstream: string;
}

interface Side {
  readonly proxy: RunningProxy;
  readonly parent: RecordingParent;
}

async function startSide(start: (config: string) => Promise<RunningProxy>): Promise<Side> {
  const parent = await RecordingParent.start();
  return { proxy: await start(probeConfig(parent.port)), parent };
}

async function ask({ proxy, parent }: Side, at: Probe): Promise<Outcome> {
  parent.reset();
  if (at.answer !== undefined) parent.answer = at.answer;
  const reply = await probe(proxy.port, at.bytes, { answers: at.answers ?? 1 });
  return { status: statusOf(reply), upstream: parent.take() };
}

interface Compared {
  readonly at: Probe;
  readonly theirs: Outcome;
  readonly ours: Outcome;
}

async function compareAll(): Promise<Compared[]> {
  const left = [...PROBES.entries()];
  const out: Compared[] = [];
  const lane = async (): Promise<void> => {
    const theirs = await startSide((config) => startPrivoxy(config, PROBE_FILES));
    const ours = await startSide((config) => startOurs(config, PROBE_FILES));
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, at] = next;
      const [expected, found] = await Promise.all([ask(theirs, at), ask(ours, at)]);
      out[index] = { at, theirs: expected, ours: found };
    }
    for (const { proxy, parent } of [theirs, ours]) {
      await proxy.stop();
      await parent.stop();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return out;
}

test(`${PROBES.length} probes: what goes upstream and the status are Privoxy's, but for the published deviations`, async (t) => {
  t.timeout(120_000);
  const compared = await compareAll();
  const differing = compared.filter(({ at: { deviation }, theirs, ours }) => {
    const same = theirs.status === ours.status && theirs.upstream === ours.upstream;
    if (deviation === undefined) return !same;
    // A deviation that is none any more must leave the table.
    return same || deviation.status !== ours.status || deviation.upstream !== ours.upstream;
  });
  t.deepEqual(differing, []);
  const observed = Object.fromEntries(compared.map(({ at, theirs }) => [at.name, theirs]));
  if (process.env.ALLIUM_RECORD === '1') writeFileSync(VECTORS, `${JSON.stringify(observed, null, 2)}\n`);
  t.deepEqual(
    JSON.parse(readFileSync(VECTORS, 'utf8')),
    observed,
    'the recorded observations are up to date',
  );
});
