import { DestinationCore } from '@allium/router/destination/destination-core.ts';
import type { DestinationInput, DestinationOutput } from '@allium/router/destination/types.ts';
import { Budget } from '@allium/router/node/budget.ts';
import { createDestinationKeys } from '@allium/router/wire/destination.ts';
import { routerHash } from '@allium/router/wire/hash.ts';
import { identityOf, signerOf } from '@allium/router/wire/identity.ts';
import { createLeaseSet2, type LeaseSet2, type LeaseSetContent } from '@allium/router/wire/lease-set2.ts';
import test from 'ava';
import { recordedEntropy } from '../../support/entropy.ts';

const NOW = Date.UTC(2026, 5, 1);
const keys = createDestinationKeys(recordedEntropy('elsewhere'));
const stranger = createDestinationKeys(recordedEntropy('stranger'));
const leases = [1, 2].map((n) => ({
  gateway: routerHash(Buffer.alloc(32, n)),
  tunnelId: n,
  expires: NOW + 600_000,
}));

/** A Destination whose owner signs elsewhere. */
function owned(publish = true) {
  const identity = { ...identityOf(keys), signer: undefined };
  const core = new DestinationCore({
    identity,
    publish,
    random: recordedEntropy('core'),
    shares: new Budget().share(),
  });
  let now = NOW;
  const step = (input: DestinationInput, later = 0): DestinationOutput[] => {
    now += later;
    return core.step(input, now);
  };
  const wanted = (outputs: readonly DestinationOutput[]): LeaseSetContent | undefined => {
    const found = outputs.find((output) => output.kind === 'signLeaseSet');
    return found?.kind === 'signLeaseSet' ? found.content : undefined;
  };
  return { core, step, wanted, now: () => now };
}

const sign = (content: LeaseSetContent, by = keys): LeaseSet2 => createLeaseSet2(signerOf(by), content);

function kinds(outputs: readonly DestinationOutput[]): string[] {
  return outputs.map(({ kind }) => kind).filter((kind) => kind !== 'wake');
}

test('an owner who signs elsewhere is asked for a LeaseSet, and what he makes is published', (t) => {
  const { core, step, wanted, now } = owned();
  const asked = step({ kind: 'leases', leases });
  t.deepEqual(kinds(asked), ['signLeaseSet']);
  t.is(core.leaseSet(now()), undefined, 'nothing leads to us before');
  const content = wanted(asked);
  if (!content) return t.fail();
  const leaseSet = sign(content);
  t.deepEqual(kinds(step({ kind: 'leaseSetSigned', leaseSet }, 700)), ['publish']);
  t.is(core.leaseSet(now()), leaseSet);
});

test('it is asked for anew when the leases change, and again after five minutes', (t) => {
  const { step, wanted } = owned();
  const first = wanted(step({ kind: 'leases', leases }));
  if (!first) return t.fail();
  step({ kind: 'leaseSetSigned', leaseSet: sign(first) }, 100);
  const second = wanted(step({ kind: 'leases', leases: leases.slice(0, 1) }, 10_000));
  if (!second) return t.fail();
  t.is(second.leases.length, 1);
  t.deepEqual(kinds(step({ kind: 'leaseSetSigned', leaseSet: sign(second) }, 100)), ['publish']);
  const third = wanted(step({ kind: 'tick' }, 301_000));
  if (!third) return t.fail();
  t.deepEqual(kinds(step({ kind: 'tick' }, 60_000)), [], 'asked once, whether he answers or not');
  t.deepEqual(kinds(step({ kind: 'leaseSetSigned', leaseSet: sign(third) }, 100)), ['publish']);
});

test('what is not ours, leads elsewhere, is for others’ eyes or older than the last is not believed', (t) => {
  const { core, step, wanted, now } = owned();
  const content = wanted(step({ kind: 'leases', leases }));
  if (!content) return t.fail();
  const [lease] = leases;
  const elsewhere = [{ gateway: routerHash(Buffer.alloc(32, 9)), tunnelId: 9, expires: NOW + 600_000 }];
  const foreignKey = [{ type: 4, key: stranger.encryption.publicKey }];
  for (const leaseSet of [
    sign(content, stranger),
    sign({ ...content, leases: elsewhere }),
    sign({ ...content, unpublished: true }),
    sign({ ...content, encryptionKeys: foreignKey }),
  ]) {
    t.like(step({ kind: 'leaseSetSigned', leaseSet }, 10), [{ kind: 'rejected', code: 'ownLeaseSet' }]);
  }
  t.is(core.leaseSet(now()), undefined);
  const good = sign({ ...content, leases: lease ? [lease] : [] });
  t.deepEqual(
    kinds(step({ kind: 'leaseSetSigned', leaseSet: good })),
    ['publish'],
    'he may leave leases out',
  );
  t.like(step({ kind: 'leaseSetSigned', leaseSet: good }, 10), [{ kind: 'rejected', code: 'ownLeaseSet' }]);
});
