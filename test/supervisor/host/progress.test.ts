import type { SupervisorStatus } from '@allium/common/contracts/supervisor.ts';
import test from 'ava';
import { Progress } from '../../../services/supervisor/host/progress.ts';
import { statusOf } from '../../../services/supervisor/host/status.ts';
import { plan } from '../../../services/supervisor/plan/plan.ts';
import { askedFor, factsOf, intent } from '../support/captured.ts';

function statusFor(name: string, changes: Parameters<typeof factsOf>[1] = {}): SupervisorStatus {
  const facts = factsOf(name, changes);
  return statusOf({
    facts,
    plan: plan(facts, intent({ asked: askedFor(name) })),
    failure: undefined,
    needsCompose: [],
    wanted: 'leak-proof',
    proxy: 'http://10.152.152.10:8118',
  });
}

test('each step is told once, and the last one with the address to use', (t) => {
  const told: string[] = [];
  const progress = new Progress(
    (line) => told.push(line),
    () => 0,
  );
  const only = { ...statusFor('open'), stage: 'tor' as const };
  for (const percent of [5, 5, 45, 45, 100]) {
    progress.see({ ...only, tor: { percent, summary: 'Loading' } });
  }
  progress.see(statusFor('open'));
  progress.see(statusFor('open'));
  t.deepEqual(told.slice(0, 3), ['Tor 5 %  Loading', 'Tor 45 %  Loading', 'Tor 100 %  Loading']);
  t.is(told.length, 4);
  t.regex(told[3] ?? '', /http:\/\/10\.152\.152\.10:8118/);
});

test('a doubt is told once it lasts; one that closes an open gateway is told at once', (t) => {
  const told: string[] = [];
  let now = 0;
  const progress = new Progress(
    (line) => told.push(line),
    () => now,
  );
  progress.see(statusFor('gate-ended'));
  t.deepEqual(told, []);
  now = 6_000;
  progress.see(statusFor('gate-ended'));
  t.regex(told[0] ?? '', /^closed: gate: does not run/);
  progress.see(statusFor('open'));
  progress.see(statusFor('gate-ended'));
  t.is(told.length, 3);
  // What a repair goes through on the way is nobody's business.
  progress.see(statusFor('gate-missing'));
  now += 5_000;
  progress.see(statusFor('gate-ended'));
  t.is(told.length, 3);
});
