/** How long the firewall takes for another policy: through the service as in the appliance, and its parts alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { verify } from '../../../services/policy/verify/verify.ts';
import { Lab } from '../../netns/support/lab.ts';
import { kernelProblem } from '../../netns/support/machine.ts';
import { replacing, tablesOf } from '../../netns/support/rules.ts';
import { RunningService } from '../../netns/support/running-service.ts';
import { install } from '../../support/debian.ts';
import { eventually, must } from '../../support/eventually.ts';
import { figure, percentileOf, spreadOf, tableOf } from '../table.ts';

/** ms for each, in the order in which they were measured */
export interface PolicyResult {
  readonly what: string;
  readonly milliseconds: readonly number[];
}

const TIMES = 100;
/** ms between two reloads: the service looks at its rules after each, and the next must not wait for that. */
const PAUSE_MS = 100;
const START_MS = 20_000;
const POLICIES = ['i2p-only', 'leak-proof'] as const;

export async function runPolicy(say: (line: string) => void, signal: AbortSignal): Promise<PolicyResult[]> {
  const problem = install('tests') ?? kernelProblem();
  if (problem !== undefined) throw new Error(problem);
  const lab = new Lab();
  try {
    say('policy: rules and their reading back, alone');
    const parts = await measureParts(lab, signal);
    say('policy: reloads through the service');
    return [...(await measureService(lab, signal)), ...parts];
  } finally {
    lab.remove();
  }
}

/** From the request to the answer, which comes when the new rules are in force and were read back. */
async function measureService(lab: Lab, signal: AbortSignal): Promise<PolicyResult[]> {
  const service = new RunningService(lab);
  try {
    service.start();
    await eventually('the policy service seals', START_MS, async () => {
      const { state, doubts } = await service.status();
      must(state === 'sealed' && doubts.length === 0, `${state} ${doubts.join(' ')}`);
    });
    await ask(service, '/policy', { policy: 'leak-proof' });
    await ask(service, '/state', { state: 'open' });
    const results = {
      'i2p-only': { what: 'reload, leak-proof → i2p-only', milliseconds: [] as number[] },
      'leak-proof': { what: 'reload, i2p-only → leak-proof', milliseconds: [] as number[] },
    };
    for (let turn = 0; turn < TIMES; turn++) {
      for (const policy of POLICIES) {
        await sleep(PAUSE_MS, undefined, { signal });
        results[policy].milliseconds.push(await timed(() => ask(service, '/policy', { policy })));
      }
    }
    const { state, lastSealing } = await service.status();
    must(state === 'open', `the service sealed: ${lastSealing?.doubts.join(' ')}`);
    return Object.values(results);
  } finally {
    service.remove();
  }
}

/** The same two rulesets without the service: one transaction, then the listing and its comparison. */
async function measureParts(lab: Lab, signal: AbortSignal): Promise<PolicyResult[]> {
  const results: PolicyResult[] = [];
  const rulesets = POLICIES.map((policy) => {
    const loaded = { what: `rules loaded, ${policy}`, milliseconds: [] as number[] };
    const verified = { what: `read back and verified, ${policy}`, milliseconds: [] as number[] };
    results.push(loaded, verified);
    return { tables: tablesOf('open', policy), loaded, verified };
  });
  for (let turn = 0; turn < TIMES; turn++) {
    for (const { tables, loaded, verified } of rulesets) {
      signal.throwIfAborted();
      const transaction = replacing(tables);
      loaded.milliseconds.push(await timed(() => lab.nft.apply(transaction)));
      verified.milliseconds.push(
        await timed(async () => {
          const { doubts } = verify(tables, await lab.nft.list(), []);
          must(doubts.length === 0, `read back: ${doubts.join(' ')}`);
        }),
      );
    }
  }
  return results;
}

async function ask(service: RunningService, path: string, body: Record<string, string>): Promise<void> {
  const { code, body: answer } = await service.call('POST', path, body);
  must(code === 200, `POST ${path}: ${code} ${JSON.stringify(answer)}`);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

export function policyTable(results: readonly PolicyResult[]): string {
  const rows = results.map(({ what, milliseconds }) => {
    const { min, max } = spreadOf(milliseconds);
    const [p50, p99] = [percentileOf(milliseconds, 50), percentileOf(milliseconds, 99)];
    return [what, String(milliseconds.length), ...[p50, p99, min, max].map(figure)];
  });
  return tableOf(['policy, ms', 'n', 'p50', 'p99', 'min', 'max'], rows);
}
