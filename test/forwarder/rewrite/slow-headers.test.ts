import test from 'ava';
import { limitedCookie, sessionCookie } from '../../../services/forwarder/rewrite/cookies.ts';
import { filterHeaders } from '../../../services/forwarder/rewrite/header-filters.ts';
import { decide } from '../../../services/forwarder/rules/decide.ts';
import type { RequestUrl } from '../../../services/forwarder/rules/request-url.ts';
import { hostileRules } from '../support/hostile-rules.ts';

const BLANKS = ' '.repeat(64_000);
const NOW = Date.UTC(2026, 10, 24);
/** Milliseconds of CPU; each of these took more than ten seconds. */
const ENOUGH_MS = 500;

/** Milliseconds of CPU. */
function costOf(call: () => unknown): number {
  const before = process.threadCpuUsage();
  call();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

test('blanks inside the lifetime of a cookie', (t) => {
  const cookie = `a=b; expires=x${BLANKS}y; path=/`;
  t.true(costOf(() => t.is(sessionCookie(cookie, NOW), 'a=b; path=/')) < ENOUGH_MS);
  t.true(costOf(() => t.regex(limitedCookie(cookie, 60, NOW), /^a=b; path=\/; expires=/)) < ENOUGH_MS);
});

test('blanks in front of a byte that no header may have, behind a filter', (t) => {
  const rules = hostileRules();
  const url: RequestUrl = { scheme: 'http', host: 'a.i2p', port: 80, path: '/', authority: 'a.i2p' };
  const facts = { method: 'GET', url, headers: [], origin: '10.0.0.2', listenAddress: '10.0.0.1' };
  const { actions } = decide(facts, rules);
  const filtered = (value: string): unknown =>
    filterHeaders('server-header-filter', [['A', value]], actions, rules, facts);
  t.true(costOf(() => t.deepEqual(filtered(`${BLANKS}\x01`), [])) < ENOUGH_MS);
  t.deepEqual(filtered(' \t b c '), [['A', 'b c ']]);
});
