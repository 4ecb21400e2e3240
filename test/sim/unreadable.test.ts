import { createDestinationKeys } from '@allium/router/wire/destination.ts';
import { unreadableLeaseSet } from '@allium/router/wire/unreadable-lease-set.ts';
import test from 'ava';
import {
  encryptedLeaseSet,
  metaLeaseSet,
  type OddLeaseSet,
  oldLeaseSet,
  strangelySigned,
} from '../support/odd-lease-sets.ts';
import { SimFetch } from '../support/sim-apps.ts';
import { OddFloodfill } from '../support/sim-floodfill.ts';
import { outcomes, PROXY, rig } from './rig.ts';

function give({ entries }: OddFloodfill, odd: OddLeaseSet): void {
  const leaseSet = unreadableLeaseSet(odd.type, odd.raw);
  if (!leaseSet) throw new Error('it can be read');
  entries.set(odd.hash, { what: 'unreadable', leaseSet });
}

test('sites whose LeaseSets nobody here can read are unsupported, and that is said at once', (t) => {
  const { net, client } = rig({ seed: 'unreadable', floodfills: 2 });
  const floodfill = new OddFloodfill(net);
  client.input({ kind: 'reseeded', routerInfos: [floodfill.routerInfo] });
  const keys = (name: string) => createDestinationKeys(net.entropy(name));
  const odd = [
    oldLeaseSet(keys('old'), net.now),
    metaLeaseSet(keys('meta'), net.now),
    encryptedLeaseSet(net.entropy('encrypted'), net.now),
    strangelySigned(keys('strange'), net.now),
  ];
  for (const it of odd) give(floodfill, it);
  const started = net.now;
  const wish = { from: client, destination: PROXY, download: 1_000, upload: 0, seed: 1 };
  const fetches = odd.map(({ hash: to }) => new SimFetch({ ...wish, to }));
  t.deepEqual(outcomes(net, fetches, 60_000), Array(4).fill('refused unsupported after 0 bytes'));
  t.true(net.now - started < 15_000, `${net.now - started} ms`);
  t.true(floodfill.answered >= 4);
});
