import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { ODD_ANSWERS } from '../support/odd-answers.ts';
import { oracleTest } from '../support/oracle.ts';
import { startOurs, startPrivoxy } from '../support/proxies.ts';

const test = oracleTest();

/** A site that answers the head of a request, in Latin-1, with `answer`. */
async function siteThat(
  answer: (head: string) => string,
): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => void socket.end(answer(bytes.toString('latin1')), 'latin1'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

interface Seen {
  /** `STATUS BODY`, or curl's exit code when it has nothing to show */
  readonly what: string;
  readonly head: string;
}

/** Seconds; where one waits in vain for an end, a row says so, and less will do. */
const PATIENCE_S = 30;
const IN_VAIN = 'curl 28';
const IN_VAIN_S = 5;

/** What curl sees at `url`, through a proxy or not. It is our client here, for it knows chunks and broken ends. */
async function curl(url: string, proxy?: number, seconds = PATIENCE_S): Promise<Seen> {
  const through = proxy === undefined ? [] : ['--proxy', `http://127.0.0.1:${proxy}`];
  const child = spawn('curl', ['-q', '--silent', '--include', '--max-time', `${seconds}`, ...through, url], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH },
  });
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  const [code] = (await once(child, 'close')) as [number];
  const text = Buffer.concat(parts).toString('latin1');
  const [, head = '', body = ''] = /^([\s\S]*?\r?\n)\r?\n([\s\S]*)$/.exec(text) ?? [];
  const status = /^\S+ (\d{3})/.exec(head)?.[1];
  if (code !== 0) return { what: `curl ${code}`, head };
  return { what: status === '200' ? `200 ${body}` : (status ?? `curl ${code}`), head };
}

test('answers as people write them: ours, Privoxy and curl do what the table says', async (t) => {
  t.timeout(120_000);
  const { port, server } = await siteThat((head) => {
    const n = Number(/\/(\d+) HTTP/.exec(head)?.[1]);
    return ODD_ANSWERS[n]?.bytes ?? '';
  });
  const config = 'forward 127.0.0.1 .\nkeep-alive-timeout 5\nsocket-timeout 3\n';
  const [privoxy, ours] = [await startPrivoxy(config), await startOurs(config)];
  const seen = [];
  // One after the other: 50 programs at once are late on busy cores.
  for (const [n, { name, head, ...row }] of ODD_ANSWERS.entries()) {
    const url = `http://127.0.0.1:${port}/${n}`;
    const seconds = row.privoxy === IN_VAIN ? IN_VAIN_S : PATIENCE_S;
    const [mine, theirs, alone] = await Promise.all([
      curl(url, ours.port),
      curl(url, privoxy.port, seconds),
      curl(url),
    ]);
    if (head !== undefined) t.regex(mine.head, head, name);
    seen.push({ name, ours: mine.what, privoxy: theirs.what, curl: alone.what });
  }
  t.deepEqual(
    seen,
    ODD_ANSWERS.map(({ name, ours: mine, privoxy: theirs, curl: alone }) => ({
      name,
      ours: mine,
      privoxy: theirs,
      curl: alone,
    })),
  );
  await ours.stop();
  await privoxy.stop();
  server.close();
});

test('raw UTF-8 in a target: Privoxy passes it as it came, ours percent-encoded, and so does curl to a site', async (t) => {
  t.timeout(60_000);
  const targets: string[] = [];
  const { port, server } = await siteThat((head) => {
    targets.push(/^GET (\S+) /.exec(head)?.[1] ?? head);
    return 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage';
  });
  const config = 'forward 127.0.0.1 .\n';
  const [privoxy, ours] = [await startPrivoxy(config), await startOurs(config)];
  for (const proxy of [ours.port, privoxy.port, undefined]) {
    t.is((await curl(`http://127.0.0.1:${port}/\u0444?\u00e9`, proxy)).what, '200 page');
  }
  const raw = Buffer.from('/\u0444?\u00e9', 'utf8').toString('latin1');
  // curl leaves a query as it is.
  t.deepEqual(targets, ['/%D1%84?%C3%A9', raw, raw.replace(/^[^?]+/, '/%d1%84')]);
  await ours.stop();
  await privoxy.stop();
  server.close();
});
