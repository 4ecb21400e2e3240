import { oracleTest } from '../support/oracle.ts';
import { type RunningProxy, startOurs, startPrivoxy } from '../support/proxies.ts';
import { probe } from '../support/raw-client.ts';
import { RecordingParent } from '../support/recording-parent.ts';

const test = oracleTest();

const DATE = 'Wed, 01 Jan 2020 00:00:00 GMT';

/** Action → headers of the parent's answer. */
const CASES: readonly (readonly [actions: string, headers: readonly string[]])[] = [
  ['-block', ['Server: S', 'X-Foo: 1', 'Set-Cookie: a=b; path=/', 'Proxy-Authenticate: Basic', 'Via: 1.1 x']],
  [
    '+session-cookies-only',
    ['Set-Cookie: a=b; expires=Wed, 01-Jan-2099 00:00:00 GMT; path=/', 'Set-Cookie: c=d'],
  ],
  ['+session-cookies-only', [`Set-Cookie: a=; expires=${DATE}; path=/`]],
  ['+crunch-incoming-cookies', ['Set-Cookie: a=b', 'X: 1']],
  ['+crunch-server-header{X-Foo}', ['X-Foo: 1', 'X-Bar: 2']],
  ['+hide-content-disposition{block}', ['Content-Disposition: attachment']],
  ['+hide-content-disposition{inline; filename=x}', ['Content-Disposition: attachment']],
  ['+content-type-overwrite{text/plain}', ['Content-Type: text/html']],
  ['+overwrite-last-modified{block}', [`Last-Modified: ${DATE}`]],
  ['+server-header-filter{f}', ['X-Drop: 1', 'X-Change: old', 'X-Keep: 1']],
];

const FILTERS = 'SERVER-HEADER-FILTER: f x\ns@^X-Drop:.*@@\ns@^(X-Change): old@$1: new@i\n';

/** The headers that the client sees, without the ones of the connection and the length. */
async function seen(proxy: RunningProxy, n: number): Promise<string[]> {
  const { text } = await probe(proxy.port, `GET http://n${n}.i2p/ HTTP/1.1\r\nHost: n${n}.i2p\r\n\r\n`);
  const [, ...lines] = (text.split('\r\n\r\n')[0] ?? '').split('\r\n');
  return lines.filter((line) => !/^(?:proxy-)?connection:|^content-length:/i.test(line));
}

test('answers reach the client with the headers that Privoxy lets through', async (t) => {
  t.timeout(60_000);
  const parent = await RecordingParent.start();
  parent.answer = (head) => {
    const headers = CASES[Number(/http:\/\/n(\d+)\./.exec(head)?.[1])]?.[1] ?? [];
    return `${['HTTP/1.1 200 OK', ...headers, 'Content-Length: 2'].join('\r\n')}\r\n\r\nok`;
  };
  const actions = CASES.map(([section], n) => `{${section}}\nn${n}.i2p\n`).join('');
  const files = { 'c.action': actions, 'c.filter': FILTERS };
  const config = `forward .i2p 127.0.0.1:${parent.port}\nkeep-alive-timeout 5\nactionsfile c.action\nfilterfile c.filter\n`;
  const [theirs, ours] = [await startPrivoxy(config, files), await startOurs(config, files)];
  for (const [n, [section]] of CASES.entries()) {
    t.deepEqual(await seen(ours, n), await seen(theirs, n), section);
  }
  await theirs.stop();
  await ours.stop();
  await parent.stop();
});
