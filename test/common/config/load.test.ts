import { ConfigError, loadConfig, parseConfig } from '@allium/common/config/load.ts';
import test from 'ava';
import { z } from 'zod';

const schema = z.strictObject({
  port: z.int().max(65_535),
  mode: z.enum(['http', 'tcp']).default('tcp'),
  list: z.array(z.strictObject({ name: z.string() })).default([]),
});

function problems(text: string): string[] {
  try {
    parseConfig('x.yaml', text, schema);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

test('a right file gives the settings with their defaults', (t) => {
  t.deepEqual(parseConfig('x.yaml', 'port: 5\nlist:\n  - name: a\n', schema), {
    port: 5,
    mode: 'tcp',
    list: [{ name: 'a' }],
  });
});

test('an unknown key stops with file, line and column', (t) => {
  t.deepEqual(problems('port: 5\nprot: 6\n'), ['x.yaml:2:1: prot: unknown key']);
  t.deepEqual(problems('port: 5\nlist:\n  - name: a\n    nmae: b\n'), [
    'x.yaml:4:5: list.0.nmae: unknown key',
  ]);
});

test('a wrong value says what is allowed', (t) => {
  const [first] = problems('mode: htpt\nport: 1\n');
  t.regex(first ?? '', /^x\.yaml:1:1: mode: .*"http".*"tcp"/);
});

test('every problem is told at once', (t) => {
  t.is(problems('mode: x\nother: 1\n').length, 3, 'mode, other, and the missing port');
});

test('broken YAML, aliases and repeated keys are refused', (t) => {
  t.regex(problems('port: [')[0] ?? '', /^x\.yaml:\d+:\d+: /);
  t.regex(problems('port: 1\nport: 2\n')[0] ?? '', /^x\.yaml:2:1: /);
  t.deepEqual(problems('port: &a 1\nlist: [*a]\n'), ['x.yaml:2:8: aliases are not supported']);
  t.deepEqual(problems('<<: *a\n'), ['x.yaml:1:5: aliases are not supported']);
});

test('a missing file and a huge one are refused', (t) => {
  t.throws(() => loadConfig('/nonexistent/x.yaml', schema), { instanceOf: ConfigError, message: /ENOENT/ });
  t.throws(() => parseConfig('x.yaml', `# ${'x'.repeat(1 << 20)}`, schema), { instanceOf: ConfigError });
});
