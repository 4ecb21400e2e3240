import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { NftError } from 'nftables-ts/errors.ts';
import type { NftEvent } from 'nftables-ts/monitor.ts';
import { Nft } from 'nftables-ts/nft.ts';
import type { Table } from 'nftables-ts/objects.ts';
import type { Statement } from 'nftables-ts/statements.ts';
import { Transaction } from 'nftables-ts/transaction.ts';
import { INET, NAT_RULES, NETDEV, NETDEV_RULES, RULES } from '../nftables-ts/samples.ts';
import { pause } from './support/lab.ts';
import { allowed, kernelProblem, sh } from './support/machine.ts';

const NAME = `allium-${randomBytes(3).toString('hex')}-nft`;
const COMMAND = ['ip', 'netns', 'exec', NAME, 'nft'];
const nft = new Nft({ command: COMMAND });

test.before(() => {
  if (kernelProblem() !== undefined) return;
  sh('ip', 'netns', 'add', NAME);
  for (const device of ['lan0', 'up0'])
    sh('ip', '-n', NAME, 'link', 'add', device, 'type', 'veth', 'peer', 'name', `${device}x`);
});
test.after.always(() => {
  if (kernelProblem() === undefined) sh('ip', 'netns', 'del', NAME);
});

const usable = (t: ExecutionContext): boolean => allowed(t, kernelProblem());

test.serial('a table with everything in it comes back as it was meant', async (t) => {
  if (!usable(t)) return;
  const transaction = new Transaction().replaceTable(INET).replaceTable(NETDEV);
  await nft.check(transaction);
  t.deepEqual((await nft.list()).tables, [], 'a check changes nothing');
  await nft.apply(transaction);
  t.deepEqual(await nft.compare([INET, NETDEV]), []);
  await nft.apply(transaction);
  t.deepEqual(await nft.compare([INET, NETDEV]), [], 'a second time too');
});

/** The chain of the sample that a kind of rule may stand in. */
const PLACES: readonly (readonly [Table, string, Readonly<Record<string, readonly Statement[]>>])[] = [
  [INET, 'input', RULES],
  [INET, 'nat', NAT_RULES],
  [NETDEV, 'out', NETDEV_RULES],
];

test.serial('each expression by itself comes back as it was meant', async (t) => {
  if (!usable(t)) return;
  for (const [table, chain, all] of PLACES) {
    for (const [name, statements] of Object.entries(all)) {
      const where = name === 'notrack' ? 'early' : chain;
      const alone: Table = {
        ...table,
        chains: table.chains.map((c) =>
          c.name === where
            ? { ...c, rules: [{ statements }] }
            : { ...c, rules: c.base === undefined ? c.rules : [] },
        ),
      };
      await nft.apply(new Transaction().replaceTable(alone));
      t.deepEqual(await nft.compare([alone]), [], name);
    }
  }
});

test.serial('what is changed by hand is found', async (t) => {
  if (!usable(t)) return;
  await nft.apply(new Transaction().replaceTable(INET).replaceTable(NETDEV));
  sh(...COMMAND, 'add rule inet sample door drop');
  sh(...COMMAND, 'add element inet sample marks { 99 }');
  const differences = await nft.compare([INET, NETDEV]);
  t.deepEqual(
    differences.map(({ kind, name }) => `${kind} ${name}`),
    ['changed set inet sample marks', 'unexpected rule inet sample door 2'],
  );
  sh(...COMMAND, 'delete table netdev sample');
  t.true((await nft.compare([NETDEV])).every(({ kind }) => kind === 'missing'));
});

test.serial('a transaction is taken whole or not at all', async (t) => {
  if (!usable(t)) return;
  await nft.apply(new Transaction().replaceTable(INET));
  const set = { name: 'marks', type: 'mark', elements: [] } as const;
  const half = new Transaction().deleteTable(INET).addElements({ family: 'inet', name: 'nowhere' }, set, [1]);
  const error = await t.throwsAsync(nft.apply(half), { instanceOf: NftError });
  t.is(error?.code, 'not-found');
  t.deepEqual(await nft.compare([INET]), []);
});

test.serial('members are added and removed in place', async (t) => {
  if (!usable(t)) return;
  await nft.apply(new Transaction().replaceTable(INET));
  const marks = INET.sets[0];
  if (marks === undefined) throw new Error('no set');
  await nft.apply(new Transaction().addElements(INET, marks, [7, 8]).deleteElements(INET, marks, [1]));
  const now = {
    ...INET,
    sets: INET.sets.map((set) => (set === marks ? { ...set, elements: [8, 7, 0xffff_ffff] } : set)),
  };
  t.deepEqual(await nft.compare([now]), []);
  const again = new Transaction().deleteElements(INET, marks, [1]);
  t.is((await t.throwsAsync(nft.apply(again), { instanceOf: NftError }))?.code, 'not-found');
});

test.serial('counters are read by name', async (t) => {
  if (!usable(t)) return;
  await nft.apply(new Transaction().replaceTable(INET));
  t.deepEqual([...(await nft.counters(INET))], [['seen', { packets: 0, bytes: 0 }]]);
  t.is(
    (await t.throwsAsync(nft.counters({ family: 'ip', name: 'nowhere' }), { instanceOf: NftError }))?.code,
    'not-found',
  );
});

test.serial('the monitor says what others change, while it happens', async (t) => {
  if (!usable(t)) return;
  await nft.apply(new Transaction().replaceTable(INET));
  const stop = new AbortController();
  const events: NftEvent[] = [];
  const done = (async () => {
    for await (const event of nft.monitor(stop.signal)) events.push(event);
  })().catch((error: unknown) => error);
  await pause(400);
  sh(...COMMAND, 'add rule inet sample door drop');
  sh(...COMMAND, 'flush ruleset');
  for (let i = 0; i < 40 && !events.some(({ verb, kind }) => verb === 'delete' && kind === 'table'); i++)
    await pause(50);
  stop.abort();
  await done;
  t.deepEqual(events[0], { verb: 'add', kind: 'rule', family: 'inet', table: 'sample' });
  t.true(events.some(({ verb, kind, table }) => verb === 'delete' && kind === 'table' && table === 'sample'));
});

test.serial('no permission, no program, no end and no JSON have codes', async (t) => {
  if (!usable(t)) return;
  const code = async (command: readonly string[]): Promise<string | undefined> => {
    const doubtful = new Nft({ command, timeoutMs: 2_000 });
    return (
      await t.throwsAsync(doubtful.apply(new Transaction().replaceTable(INET)), { instanceOf: NftError })
    )?.code;
  };
  const withoutRights = ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all'];
  t.is(await code([...COMMAND.slice(0, -1), ...withoutRights, 'nft']), 'no-permission');
  t.is(await code(['/nonexistent/nft']), 'no-program');
  t.is(await code(['sh', '-c', 'exec sleep 5']), 'timeout');
  const chatty = new Nft({ command: ['sh', '-c', 'echo hello'] });
  t.is((await t.throwsAsync(chatty.list(), { instanceOf: NftError }))?.code, 'unreadable');
});

test.serial('nft ends well without having understood its input: that is why one reads back', async (t) => {
  if (!usable(t)) return;
  const deaf = new Nft({ command: ['sh', '-c', 'true'] });
  await nft.apply(new Transaction().deleteTable(INET).deleteTable(NETDEV));
  await t.notThrowsAsync(deaf.apply(new Transaction().replaceTable(INET)));
  t.true((await nft.compare([INET])).length > 0);
});
