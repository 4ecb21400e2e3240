import { ANY, type Consumer, MAX_BINDINGS, Mux } from '@allium/router/destination/mux.ts';
import test from 'ava';

function consumer(): Consumer {
  const nothing = (): void => undefined;
  return { received: nothing, unreachable: nothing, resumed: nothing, tick: nothing };
}

test('a payload goes to whoever bound both, then the protocol, then the port, then everything', (t) => {
  const mux = new Mux();
  const [both, protocol, port, all] = [consumer(), consumer(), consumer(), consumer()];
  t.is(mux.find(6, 80), undefined);
  mux.bind(ANY, ANY, all);
  t.is(mux.find(6, 80), all);
  mux.bind(ANY, 80, port);
  t.is(mux.find(6, 80), port);
  mux.bind(6, ANY, protocol);
  t.is(mux.find(6, 80), protocol);
  mux.bind(6, 80, both);
  t.is(mux.find(6, 80), both);
  t.deepEqual(
    [mux.find(6, 81), mux.find(17, 80), mux.find(17, 81), mux.find(6, 0)],
    [protocol, port, all, protocol],
  );
});

test('a pair is bound once, and consumers are bounded; one with many pairs counts once', (t) => {
  const mux = new Mux();
  const one = consumer();
  mux.bind(6, ANY, one);
  t.throws(() => mux.bind(6, ANY, consumer()), { instanceOf: RangeError });
  for (let port = 1; port < MAX_BINDINGS; port++) mux.bind(17, port, one);
  t.throws(() => mux.bind(18, 1, one), { instanceOf: RangeError });
  t.is(mux.consumers.size, 1);
});
