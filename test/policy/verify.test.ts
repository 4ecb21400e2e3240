import test from 'ava';
import { tableObjects } from 'nftables-ts/json.ts';
import type { Listing } from 'nftables-ts/listing.ts';
import type { TableRef } from 'nftables-ts/objects.ts';
import { verify } from '../../services/policy/verify/verify.ts';
import { shippedPolicy, tablesOf } from './support.ts';

const MEANT = tablesOf('open', shippedPolicy('leak-proof'));

function listing(...extra: TableRef[]): Listing {
  return {
    tables: [...MEANT, ...extra],
    objects: [...MEANT.flatMap(tableObjects), ...extra.map((table) => ({ table: { ...table } }))],
  };
}

test('the rules that were meant leave no doubt', (t) => {
  const verdict = verify(MEANT, listing(), []);
  t.deepEqual(verdict.doubts, []);
  t.regex(verdict.digest, /^[0-9a-f]{64}$/);
});

test('any object more, less or changed is drift, and so is a table of our name in another family', (t) => {
  const whole = listing();
  for (const [index, object] of whole.objects.entries()) {
    const without = { ...whole, objects: whole.objects.toSpliced(index, 1) };
    t.deepEqual(verify(MEANT, without, []).doubts, ['drift'], JSON.stringify(object).slice(0, 120));
  }
  t.deepEqual(verify(MEANT, listing({ family: 'ip', name: 'allium' }), []).doubts, ['drift']);
});

test('a table that nobody announced is a doubt of its own', (t) => {
  const docker = { family: 'ip', name: 'nat' } as const;
  t.deepEqual(verify(MEANT, listing(docker), []).doubts, ['foreign-table']);
  t.deepEqual(verify(MEANT, listing(docker), ['ip nat']).doubts, []);
  t.deepEqual(verify(MEANT, listing(docker), ['ip6 nat']).doubts, ['foreign-table']);
});

test('states, policies and generations have digests of their own', (t) => {
  const digests = new Set<string>();
  const add = (...args: Parameters<typeof tablesOf>): void => {
    digests.add(verify(tablesOf(...args), { tables: [], objects: [] }, []).digest);
  };
  for (const policy of ['leak-proof', 'i2p-only', 'sealed']) {
    add('open', shippedPolicy(policy));
    add('open', shippedPolicy(policy), 2);
  }
  add('tor-only', shippedPolicy('leak-proof'));
  add('sealed', shippedPolicy('leak-proof'));
  t.is(digests.size, 7, 'a policy that allows nothing has no generations');
});
