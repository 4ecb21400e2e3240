import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { serveControl } from '../../services/supervisor/host/control.ts';
import { LeaktestError } from '../../services/supervisor/host/leaktest.ts';
import { PolicyNameError } from '../../services/supervisor/host/policy-client.ts';
import { statusOf } from '../../services/supervisor/host/status.ts';
import { plan } from '../../services/supervisor/plan/plan.ts';
import { askedFor, factsOf, intent } from './support/captured.ts';

const CLI = join(import.meta.dirname, '../../services/supervisor/cli.ts');
const folder = await mkdtemp(join(tmpdir(), 'allium-cli-'));
const socket = join(folder, 's.sock');
const facts = factsOf('open');
const status = statusOf({
  facts,
  plan: plan(facts, intent({ asked: askedFor('open') })),
  failure: undefined,
  needsCompose: [],
  wanted: 'leak-proof',
  proxy: 'http://10.152.152.10:8118',
});
const { stop } = await serveControl(socket, {
  ready: () => true,
  status: () => status,
  wantPolicy: async (name) => {
    if (name !== 'leak-proof') throw new PolicyNameError({ code: 'no-such-policy' }, `there is no ${name}`);
  },
  policies: async () => [
    { name: 'leak-proof', about: 'all through Tor' },
    { name: 'mine', mistake: 'mine.yaml:1: what?' },
  ],
  leaktest: async () => {
    throw new LeaktestError({ code: 'not-open' }, 'not open');
  },
  newCircuits: async () => 1_500,
});
test.after.always(async () => {
  await stop();
  await rm(folder, { recursive: true });
});

async function allium(args: readonly string[], at = socket) {
  const child = spawn(process.execPath, [CLI, ...args], { env: { ...process.env, ALLIUM_SUPERVISOR: at } });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, out, err };
}

test('the status is shown to a person, and to a program as it is', async (t) => {
  const shown = await allium(['status']);
  t.is(shown.code, 0);
  t.regex(shown.out, /HTTP proxy http:\/\/10\.152\.152\.10:8118/);
  const json = await allium(['status', '--json']);
  t.deepEqual(JSON.parse(json.out), JSON.parse(JSON.stringify(status)));
});

test('policies, and circuits', async (t) => {
  const { code, out } = await allium(['policy']);
  t.is(code, 0);
  t.regex(out, /\* leak-proof +all through Tor\n +mine +cannot be used: mine\.yaml/);
  t.regex((await allium(['newnym'])).out, /in 2 s/);
  t.deepEqual(await allium(['policy', 'leak-proof']), {
    code: 0,
    out: 'policy leak-proof is in force, open\n',
    err: '',
  });
});

test('what is refused is said in the words of the one who refused', async (t) => {
  t.deepEqual(await allium(['policy', 'other']), { code: 1, out: '', err: 'there is no other\n' });
  t.like(await allium(['policy', '../x']), { code: 1, err: 'policy: a name such as leak-proof\n' });
  t.like(await allium(['leaktest']), { code: 1, err: 'not open\n' });
  t.is((await allium(['opn'])).code, 2);
  const nobody = await allium(['status'], join(folder, 'nobody.sock'));
  t.is(nobody.code, 3);
  t.regex(nobody.err, /^the supervisor does not answer \(.*ENOENT\)\n$/);
});
