import test from 'ava';
import { siteAnswerHead } from '../../../services/forwarder/i2p/response-headers.ts';

/** CPU microseconds for one Set-Cookie of about this many characters. */
function costOf(length: number): number {
  const before = process.threadCpuUsage().user;
  siteAnswerHead(['Set-Cookie', `a=b; domain=${' '.repeat(length)}x"y`]);
  return process.threadCpuUsage().user - before;
}

test('a cookie of 64 kB costs no more than its length', (t) => {
  t.true(costOf(1_500) < 100_000);
  t.true(costOf(64_000) < 100_000);
});
