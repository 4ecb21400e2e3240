import test from 'ava';
import { TimeBox } from '../../../services/forwarder/host/time-box.ts';
import { get, pair } from '../support/fixture.ts';
import { probe, statusOf } from '../support/raw-client.ts';

/** Polynomial (no repetition is nested, so it loads), and exponential by alternation. */
const SLOW = {
  'a.action': '{+block{slow}}\n/.*a.*b.*c.*d.*e$\n{+block{worse}}\n/w(a|a|a)(?:(?:a|b)|a|a)?$\n',
};

test('an expression that takes too long blocks the request, and the next one is served', async (t) => {
  const { port, parent, ours } = await pair(t, 'keep-alive-timeout 5\nactionsfile a.action\n', SLOW);
  const hostile = await probe(port, get(`http://a.i2p/${'abcd'.repeat(2_000)}`), { limitMs: 30_000 });
  t.regex(hostile.text, /^HTTP\/1\.1 403 Request blocked by Privoxy\r\n/);
  t.is(parent.take(), '');
  t.is(ours.forwarder.counters.get('refused-time-box'), 1);
  t.is(statusOf(await probe(port, get('http://a.i2p/fine'))), '200');
});

test('the box gives results and errors through', (t) => {
  const box = new TimeBox();
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
  const box = new TimeBox(100);
  const exponential = /^(?:a|a)+$/;
  t.throws(() => box.run(() => exponential.test(`${'a'.repeat(60)}b`)), { code: 'time-box' } as object);
});
