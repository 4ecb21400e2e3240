import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadSecret, StateError, WorkstationKeys } from '../../../services/forwarder/host/keys.ts';

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'allium-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

test('a workstation has one key, for as long as the secret stays', (t) => {
  const state = folder(t);
  const first = new WorkstationKeys(loadSecret(state));
  const again = new WorkstationKeys(loadSecret(state));
  t.regex(first.of('10.152.152.11'), /^[0-9a-f]{32}$/);
  t.is(first.of('10.152.152.11'), again.of('10.152.152.11'));
  t.not(first.of('10.152.152.11'), first.of('10.152.152.12'));
  t.not(new WorkstationKeys().of('10.152.152.11'), first.of('10.152.152.11'));
  t.is(statSync(join(state, 'secret')).mode & 0o777, 0o600);
  t.is(readFileSync(join(state, 'secret')).length, 32);
});

test('what is there and no secret, and a folder that is not there, are refused with the path', (t) => {
  const state = folder(t);
  writeFileSync(join(state, 'secret'), 'short');
  t.throws(() => loadSecret(state), {
    instanceOf: StateError,
    message: /secret is not a secret of 32 bytes/,
  });
  chmodSync(join(state, 'secret'), 0o600);
  t.throws(() => loadSecret('/nonexistent'), {
    instanceOf: StateError,
    message: /cannot be written \(ENOENT\)/,
  });
});
