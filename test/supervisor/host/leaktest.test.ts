import test from 'ava';
import { blueprintOf } from '../../../services/supervisor/execute/blueprint.ts';
import type { Notebook } from '../../../services/supervisor/execute/ports.ts';
import { LeaktestError, surroundingsOf } from '../../../services/supervisor/host/leaktest.ts';
import type { Role } from '../../../services/supervisor/observe/roles.ts';
import { captured, factsOf } from '../support/captured.ts';

const inspected = captured('open').inspected as readonly {
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
}[];
const blueprint = (role: Role) =>
  blueprintOf(
    inspected.find(({ Config }) => Config.Labels['com.docker.compose.service'] === role),
    ['allium_lan', 'allium_up'],
  );
const notebook: Notebook = { asked: undefined, blueprint };
const relays = new Set(['5.5.5.5:443']);

test('the leak test finds both sides of the uplink by how compose made the containers', (t) => {
  const facts = factsOf('open');
  t.deepEqual(surroundingsOf(facts, notebook, relays), {
    image: blueprint('fence').imageId,
    lan: 'allium_lan',
    gateId: facts.containers.gate?.id ?? '',
    fenceId: facts.containers.fence?.id ?? '',
    gate: '10.152.152.10',
    gateUp: '172.31.255.2',
    own: '172.31.255.3',
    relays,
  });
});

test('where the gateway is not open, or not known, there is nothing to test', (t) => {
  const unknown: Notebook = { asked: undefined, blueprint: () => undefined };
  t.throws(() => surroundingsOf(undefined, notebook, relays), { instanceOf: LeaktestError });
  t.throws(() => surroundingsOf(factsOf('open'), unknown, relays), { instanceOf: LeaktestError });
  t.throws(() => surroundingsOf(factsOf('gate-missing'), notebook, relays), { instanceOf: LeaktestError });
});
