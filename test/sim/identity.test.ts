import { identityOf, signerOf } from '@allium/router/wire/identity.ts';
import { createLeaseSet2 } from '@allium/router/wire/lease-set2.ts';
import test from 'ava';
import { SimFetch } from '../support/sim-apps.ts';
import { OTHER, outcomes, PROXY, READY_WITHIN, rig } from './rig.ts';

const OPTIONS = { publish: true, length: 2, quantity: 2 } as const;

test('a Destination whose owner signs elsewhere is found once he has signed, and not before', (t) => {
  const { net, client, server } = rig({ seed: 'signed elsewhere' });
  const keys = net.keysOf('owner');
  const identity = { ...identityOf(keys), signer: undefined };
  server.input({ kind: 'openDestination', destination: OTHER, options: { identity, ...OPTIONS } });
  t.true(net.run(READY_WITHIN, () => server.ready.has(OTHER) && server.unsigned.has(OTHER)));
  const ask = (): SimFetch =>
    new SimFetch({ from: client, destination: PROXY, to: keys.destination.hash, download: 1_000 });
  t.regex(outcomes(net, [ask()], 120_000)[0] ?? '', /^refused unreachable/);

  const content = server.unsigned.get(OTHER);
  if (!content) return t.fail();
  const published = Math.floor(server.now / 1_000) * 1_000;
  const leaseSet = createLeaseSet2(signerOf(keys), { ...content, published });
  server.input({ kind: 'leaseSetSigned', destination: OTHER, leaseSet });
  net.run(20_000);
  // his streams are elsewhere too: nobody answers here, but the way is found
  t.regex(outcomes(net, [ask()], 240_000)[0] ?? '', /^refused timeout/);
});
