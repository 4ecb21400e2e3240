import test from 'ava';
import { type SentEntry, storeOf } from '../../../services/router/i2np/database-store.ts';
import { NetDbCore } from '../../../services/router/netdb/netdb-core.ts';
import type { NetDbOutput } from '../../../services/router/netdb/netdb-events.ts';
import { createDestinationKeys } from '../../../services/router/wire/destination.ts';
import { hashBytes } from '../../../services/router/wire/hash.ts';
import { unreadableLeaseSet } from '../../../services/router/wire/unreadable-lease-set.ts';
import { recordedEntropy } from '../../support/entropy.ts';
import { type OddLeaseSet, oldLeaseSet, strangelyDelegated } from '../../support/odd-lease-sets.ts';
import { makeRouter, NET_ID, NOW, someHash } from './make.ts';

const SITE = createDestinationKeys(recordedEntropy('site'));
const POOL = 1;

function entryOf({ type, raw }: OddLeaseSet): SentEntry {
  const leaseSet = unreadableLeaseSet(type, raw);
  if (!leaseSet) throw new Error('it can be read');
  return { what: 'unreadable', leaseSet };
}

function queriesIn(outputs: readonly NetDbOutput[]): number[] {
  return outputs.flatMap((output) => (output.kind === 'query' ? [output.id] : []));
}

/** A lookup of the site at a router that knows two floodfills. */
function asking(): { core: NetDbCore; first: number } {
  const core = new NetDbCore({
    netId: NET_ID,
    allowPrivateAddresses: false,
    self: someHash('self'),
    random: recordedEntropy('unreadable'),
    floodfill: false,
    publishRouterInfo: false,
    ownRouterInfo: () => undefined,
    explore: false,
  });
  for (const seed of ['one', 'two'])
    core.step({ kind: 'add', routerInfo: makeRouter(seed, { caps: 'OfR' }) }, NOW);
  const { hash } = SITE.destination;
  const [first = 0] = queriesIn(core.step({ kind: 'lookup', hash, pool: POOL, refresh: false }, NOW));
  return { core, first };
}

const forger = { ...SITE, signingSeed: Buffer.alloc(32, 1) };
const forged: [string, OddLeaseSet][] = [
  ['with a wrong signature', oldLeaseSet(forger, NOW)],
  ['that nobody can check', strangelyDelegated(forger, NOW)],
];

test('an old LeaseSet that its owner signed ends the lookup', (t) => {
  const { core, first } = asking();
  const body = storeOf(entryOf(oldLeaseSet(SITE, NOW)));
  const outputs = core.step({ kind: 'store', body, query: first }, NOW + 1_000);
  t.like(outputs[0], { kind: 'lookupFailed', reason: 'unreadable' });
});

for (const [what, odd] of forged) {
  const body = storeOf(entryOf(odd));
  test(`a LeaseSet ${what} hides no site: the next floodfill is asked`, (t) => {
    const { core, first } = asking();
    const [second = 0] = queriesIn(core.step({ kind: 'store', body, query: first }, NOW + 1_000));
    t.true(second > first);
    // only if nobody has better
    const reply = { kind: 'databaseSearchReply', key: hashBytes(SITE.destination.hash), peers: [] } as const;
    const from = hashBytes(makeRouter('two').hash);
    const outputs = core.step({ kind: 'searchReply', body: { ...reply, from }, query: second }, NOW + 2_000);
    t.like(outputs[0], { kind: 'lookupFailed', reason: 'unreadable' });
  });
}

test('what comes without having been asked for ends nothing', (t) => {
  const { core } = asking();
  const body = storeOf(entryOf(oldLeaseSet(SITE, NOW)));
  t.deepEqual(
    core.step({ kind: 'store', body }, NOW).filter(({ kind }) => kind !== 'wake'),
    [],
  );
  t.deepEqual(
    core.step({ kind: 'store', body, query: 999 }, NOW).filter(({ kind }) => kind !== 'wake'),
    [],
  );
});
