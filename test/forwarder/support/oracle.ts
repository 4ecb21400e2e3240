import test, { type TestFn } from 'ava';
import { oracleProblem } from './proxies.ts';

/** Tests that ask the real Privoxy: skipped with the reason where there is none, failing where CI=true. */
export function oracleTest(): TestFn {
  const problem = oracleProblem();
  if (problem === undefined) return test.serial as TestFn;
  if (process.env.CI === 'true') {
    test('the real Privoxy is installed', (t) => t.fail(problem));
  } else {
    console.log(`skipped: ${problem}`);
  }
  return test.skip as unknown as TestFn;
}
