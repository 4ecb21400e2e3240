import test from 'ava';
import { PROXY, rig } from './rig.ts';

/** A run with a bit of everything; returns the hash of all that every router put out. */
function history(seed: string): { digest: string; outputs: number; got: string } {
  const { net, client, fetch } = rig({ seed, latency: 40, dialLoss: 0.1, trace: true });
  const first = fetch(200_000);
  net.run(1_500);
  net.links.breakSome(0.1);
  net.links.stallSome(0.2, 1_000);
  net.kill(net.routers[9] ?? client);
  net.run(20_000);
  net.kill(client);
  net.restart(client);
  net.openDestination(client, PROXY, false);
  net.run(20_000);
  return { ...net.trace, got: first.digest };
}

test('the same seed makes the same history to the last byte, another seed another', (t) => {
  const once = history('history');
  t.true(once.outputs > 5_000, `${once.outputs} outputs`);
  t.deepEqual(history('history'), once);
  t.not(history('another history').digest, once.digest);
});
