import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { PROBE_FILES, PROBES, probeConfig } from '../support/probes.ts';
import { startOurs } from '../support/proxies.ts';
import { probe, statusOf } from '../support/raw-client.ts';
import { RecordingParent } from '../support/recording-parent.ts';

/** Observed with Privoxy 3.0.34 (Debian 12) by oracle/differential.test.ts. */
const OBSERVED: Record<string, { status: string; upstream: string }> = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/privoxy-probes.json'), 'utf8'),
);

for (const at of PROBES) {
  const what = at.deviation === undefined ? 'is as observed of Privoxy' : `deviates: ${at.deviation.why}`;
  test(`${at.name} ${what}`, async (t) => {
    const parent = await RecordingParent.start();
    const ours = await startOurs(probeConfig(parent.port), PROBE_FILES);
    if (at.answer !== undefined) parent.answer = at.answer;
    const reply = await probe(ours.port, at.bytes, { quietMs: 300, answers: at.answers ?? 1 });
    const { status, upstream } = at.deviation ??
      OBSERVED[at.name] ?? { status: 'never observed', upstream: '' };
    t.deepEqual({ status: statusOf(reply), upstream: parent.take() }, { status, upstream });
    await ours.stop();
    await parent.stop();
  });
}
