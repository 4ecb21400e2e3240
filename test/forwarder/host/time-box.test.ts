import test from 'ava';
import { compileReplacer } from '../../../services/forwarder/expressions/expression.ts';
import { TimeBox } from '../../../services/forwarder/host/time-box.ts';
import { get, pair } from '../support/fixture.ts';
import { probe, statusOf } from '../support/raw-client.ts';

/** A look-ahead keeps it in V8's engine, where it is polynomial; no repetition is nested, so it loads. */
const SLOW = { 'a.action': '{+block{slow}}\n/.*a.*b.*c.*d.*e(?=x)$\n' };

test('an expression that takes too long blocks the request, and the next one is served', async (t) => {
  const { port, parent, ours } = await pair(t, 'keep-alive-timeout 5\nactionsfile a.action\n', SLOW);
  const hostile = await probe(port, get(`http://a.i2p/${'abcd'.repeat(2_000)}`), { limitMs: 30_000 });
  t.regex(hostile.text, /^HTTP\/1\.1 403 Request blocked by Privoxy\r\n/);
  t.is(parent.take(), '');
  t.is(ours.forwarder.counters.get('refused-time-box'), 1);
  t.is(statusOf(await probe(port, get('http://a.i2p/fine'))), '200');
});

test('the box gives results and errors through', (t) => {
  const box = new TimeBox(true);
  t.is(
    box.run(() => 7),
    7,
  );
  t.throws(
    () =>
      box.run(() => {
        throw new RangeError('mine');
      }),
    { instanceOf: RangeError, message: 'mine' },
  );
});

test('the box ends a running expression', (t) => {
  const box = new TimeBox(true, 100);
  const exponential = /^(?:a|a)+$/;
  t.throws(() => box.run(() => exponential.test(`${'a'.repeat(60)}b`)), { code: 'time-box' } as object);
});

test('without such an expression the box is a plain call, and a global replacement has a bound of its own', (t) => {
  const box = new TimeBox(false, 1);
  const started = performance.now();
  box.run(() => {
    while (performance.now() - started < 30);
  });
  const compiled = compileReplacer('a|b.*c', false);
  if ('why' in compiled) return t.fail(compiled.why);
  t.throws(() => box.run(() => compiled.replace('a'.repeat(16_000), true, () => '')), {
    code: 'time-box',
  } as object);
});
