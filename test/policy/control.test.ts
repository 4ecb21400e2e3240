import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Steerable, serveControl } from '../../services/policy/host/control.ts';

const folder = mkdtempSync(join(tmpdir(), 'allium-control-'));
const path = join(folder, 'control.sock');
const asked: string[] = [];
let ready = true;
let answer: Awaited<ReturnType<Steerable['requestState']>> = {
  ok: true,
  state: 'open',
  policy: 'leak-proof',
  digest: 'd',
};
const status = {
  state: 'open' as const,
  policy: 'leak-proof',
  doors: [],
  known: [],
  digest: 'd',
  doubts: [],
};

const service: Steerable = {
  ready: () => ready,
  status: () => status,
  policies: () => [{ name: 'leak-proof', about: 'everything through Tor' }],
  requestState: async (state) => {
    asked.push(`state ${state}`);
    return answer;
  },
  requestPolicy: async (policy) => {
    asked.push(`policy ${policy}`);
    return answer;
  },
};
const control = await serveControl({ path }, service);
test.after.always(async () => {
  await control.stop();
  rmSync(folder, { recursive: true });
});

function call(route: string, body = ''): Promise<string> {
  const [method, url] = route.split(' ');
  const { promise, resolve } = Promise.withResolvers<string>();
  const sent = request({ socketPath: path, method, path: url }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    response.on('end', () => resolve(`${response.statusCode} ${JSON.stringify(JSON.parse(text))}`));
  });
  sent.on('error', (error: NodeJS.ErrnoException) => resolve(`error ${error.code}`));
  sent.end(body);
  return promise;
}

test.serial('status and health are told', async (t) => {
  t.is(await call('GET /status'), `200 ${JSON.stringify(status)}`);
  t.is(await call('GET /health'), '200 {"ready":true}');
  ready = false;
  t.is(await call('GET /health'), '503 {"ready":false}');
});

test.serial('every policy is told with what it is for', async (t) => {
  t.is(await call('GET /policies'), `200 ${JSON.stringify({ policies: service.policies() })}`);
});

test.serial('a request goes through and its answer comes back', async (t) => {
  t.is(await call('POST /state', '{"state":"tor-only"}'), `200 ${JSON.stringify(answer)}`);
  t.is(await call('POST /policy', '{"policy":"i2p-only"}'), `200 ${JSON.stringify(answer)}`);
  answer = { ok: false, code: 'drift', why: 'no' };
  t.is(await call('POST /state', '{"state":"open"}'), `409 ${JSON.stringify(answer)}`);
  t.deepEqual(asked.splice(0), ['state tor-only', 'policy i2p-only', 'state open']);
});

for (const [route, body] of [
  ['POST /state', ''],
  ['POST /state', 'open'],
  ['POST /state', '{"state":"Open"}'],
  ['POST /state', '{"state":"open","for":"ever"}'],
  ['POST /state', '["open"]'],
  ['POST /policy', '{"policy":"../../etc/passwd"}'],
  ['POST /policy', '{"policy":"a.yaml"}'],
] as const) {
  test.serial(`not a request: ${route} ${body.slice(0, 40)} (${body.length} bytes)`, async (t) => {
    t.regex(await call(route, body), /^400 .*"code":"invalid"/);
    t.deepEqual(asked, []);
  });
}

test.serial('a request that is too long is not read', async (t) => {
  t.regex(await call('POST /state', `{"state":"open"}${' '.repeat(2_000)}`), /^413 .*"code":"too-long"/);
  t.deepEqual(asked, []);
});

test.serial('what is not there is not there', async (t) => {
  for (const route of ['GET /', 'GET /state', 'PUT /state', 'POST /status'])
    t.regex(await call(route), /^404 /, route);
  t.deepEqual(asked, []);
});
