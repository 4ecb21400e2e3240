import test from 'ava';
import type { Blueprint } from '../../../services/supervisor/execute/blueprint.ts';
import { execute, StepError, type Tools } from '../../../services/supervisor/execute/executors.ts';
import type { Asked } from '../../../services/supervisor/plan/memory.ts';

const ASKED: Asked = { state: 'tor-only', policy: 'leak-proof', digest: 'd' };
const PLUG = { kind: 'plug', network: 'ext', container: 'fence' } as const;
const BLUEPRINT: Blueprint = {
  name: 'x-uplink-1',
  version: 'v',
  imageId: 'sha256:1',
  config: { Image: 'uplink:1', Labels: {} },
  hostConfig: { NetworkMode: 'x_up' },
  networks: { x_up: { ipv4: '172.31.255.3', aliases: [] } },
};

/** Tools that write down what they were asked. */
function tools(now: Pick<Asked, 'state' | 'digest'> | undefined, image = 'sha256:1') {
  const said: string[] = [];
  const made: Readonly<Record<string, unknown>>[] = [];
  const kit: Tools = {
    engine: {
      connect: async (network, container) => void said.push(`connect ${network} ${container}`),
      disconnect: async (network, container) => void said.push(`disconnect ${network} ${container}`),
      imageId: async () => image,
      create: async ({ create }) => void made.push(create),
      start: async (id) => void said.push(`start ${id}`),
      remove: async (id) => void said.push(`remove ${id}`),
    },
    policy: {
      setState: async (state) => {
        if (now === undefined) throw new Error('refused');
        return { ...ASKED, state, digest: 'new' };
      },
      setPolicy: async (policy) => ({ ...ASKED, policy, digest: 'new' }),
      current: async () => now,
    },
    tor: { reconnect: async () => void said.push('reconnect') },
    notebook: { asked: ASKED, blueprint: (role) => (role === 'uplink' ? BLUEPRINT : undefined) },
  };
  return { kit, said, made };
}

test('the plug goes in when the rules in force are the ones that were asked for', async (t) => {
  const { kit, said } = tools({ state: 'tor-only', digest: 'd' });
  await execute(PLUG, kit);
  t.deepEqual(said, ['connect ext fence', 'reconnect']);
});

test('the plug stays out when the rules changed since the look, or nobody answers', async (t) => {
  const others = [{ state: 'tor-only', digest: 'other' }, { state: 'open', digest: 'd' }, undefined] as const;
  for (const now of others) {
    const { kit, said } = tools(now);
    const error = await t.throwsAsync(execute(PLUG, kit), { instanceOf: StepError });
    t.is((error as StepError).code, 'policy-changed');
    t.deepEqual(said, []);
  }
  const { kit, said } = tools({ state: 'tor-only', digest: 'd' });
  kit.notebook.asked = undefined;
  await t.throwsAsync(execute(PLUG, kit));
  t.deepEqual(said, []);
});

test('what the policy service answers is what must be in force from then on', async (t) => {
  const { kit } = tools({ state: 'tor-only', digest: 'd' });
  await execute({ kind: 'set-state', state: 'open' }, kit);
  t.deepEqual(kit.notebook.asked, { state: 'open', policy: 'leak-proof', digest: 'new' });
});

test('a refused request leaves nothing that counts as asked for', async (t) => {
  const { kit } = tools(undefined);
  await t.throwsAsync(execute({ kind: 'set-state', state: 'open' }, kit));
  t.is(kit.notebook.asked, undefined);
});

test('a container is made from the image that was seen, by its name as long as that means the same', async (t) => {
  const create = { kind: 'create', role: 'uplink', owner: undefined } as const;
  const same = tools(undefined);
  await execute(create, same.kit);
  t.is(same.made[0]?.Image, 'uplink:1');
  const moved = tools(undefined, 'sha256:2');
  await execute(create, moved.kit);
  t.is(moved.made[0]?.Image, 'sha256:1');
});

test('what was never seen is not made', async (t) => {
  const { kit, made } = tools(undefined);
  const error = await t.throwsAsync(execute({ kind: 'create', role: 'gate', owner: undefined }, kit));
  t.is((error as StepError).code, 'no-blueprint');
  t.deepEqual(made, []);
});
