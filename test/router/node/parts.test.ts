import test from 'ava';
import { OwnRouterInfo, RESIGN_AFTER } from '../../../services/router/node/own-router-info.ts';
import { Wakes } from '../../../services/router/node/wakes.ts';
import { decodeRouterInfo } from '../../../services/router/wire/router-info.ts';
import { createRouterKeys } from '../../../services/router/wire/router-keys.ts';
import { recordedEntropy } from '../../support/entropy.ts';

const NOW = Date.UTC(2026, 0, 15, 12);
const config = {
  netId: 99,
  allowPrivateAddresses: false,
  skipIpDiversity: false,
  exploratory: { length: 2, quantity: 2 },
};

test('of several wishes of one core the earliest counts, and each core is woken once', (t) => {
  const wakes = new Wakes();
  const [a, b] = [
    { kind: 'link', id: 1 },
    { kind: 'destination', id: 1 },
  ] as const;
  for (const [core, at] of [
    [a, 30],
    [a, 10],
    [a, 20],
    [b, 15],
  ] as const)
    wakes.ask(core, at);
  t.is(wakes.next(), 10);
  t.deepEqual(wakes.due(9), []);
  t.deepEqual(wakes.due(15), [a, b]);
  t.deepEqual(wakes.due(100), []);
  t.is(wakes.next(), undefined);
  wakes.ask({ kind: 'plan' }, 5);
  wakes.forget({ kind: 'plan' });
  t.is(wakes.next(), undefined);
});

test('what we tell of ourselves behind Tor: no host, no port, no iv, unreachable and without transit', (t) => {
  const keys = createRouterKeys(recordedEntropy('own'));
  const info = decodeRouterInfo(new OwnRouterInfo(keys, config).at(NOW).raw);
  t.is(info.hash, keys.identity.hash);
  t.is(info.options.get('caps'), 'LUG');
  t.is(info.options.get('netId'), '99');
  t.is(info.addresses.length, 1);
  t.deepEqual([...(info.addresses[0]?.options.keys() ?? [])].sort(), ['caps', 's', 'v']);
  t.is(info.addresses[0]?.options.get('caps'), '46');
  t.true(info.published < NOW, 'peers refuse dates from their future');
  t.true(info.published > NOW - 60_000);
});

test('our RouterInfo is signed anew before peers would refuse it, and after the clock went back', (t) => {
  const own = new OwnRouterInfo(createRouterKeys(recordedEntropy('again')), config);
  const first = own.at(NOW);
  t.is(own.at(NOW + RESIGN_AFTER / 2), first);
  const second = own.at(NOW + RESIGN_AFTER);
  t.true(second.published > first.published);
  t.true(RESIGN_AFTER < 45 * 60_000);
  t.true(own.at(NOW - 3_600_000).published < NOW - 3_600_000);
});
