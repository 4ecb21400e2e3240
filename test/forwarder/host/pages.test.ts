import { inflateSync } from 'node:zlib';
import test from 'ava';
import { get, pair } from '../support/fixture.ts';
import { probe, statusOf } from '../support/raw-client.ts';

const FILES = {
  'a.action': `{+block{an <ad>} +handle-as-image}
.ads.i2p
{+set-image-blocker{blank}}
blank.ads.i2p
{+set-image-blocker{pattern}}
pattern.ads.i2p
{+set-image-blocker{http://other.i2p/x.png}}
other.ads.i2p
{+handle-as-empty-document}
empty.ads.i2p
{+redirect{s@^http://old\\.i2p/(.*)@http://new.i2p/$1@}}
old.i2p
{+fast-redirects{check-decoded-url}}
fast.i2p
`,
};
const CONFIG = 'keep-alive-timeout 5\ntolerate-pipelining 1\nactionsfile a.action\n';
const body = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4);

test('the page of an address names its parent, its sections and its actions', async (t) => {
  const { port, parent } = await pair(t, CONFIG, FILES);
  const reply = await probe(port, get('http://p.p/show-url-info?url=http%3A%2F%2Fpattern.ads.i2p%2Fx'));
  t.regex(reply.text, new RegExp(`HTTP parent 127\\.0\\.0\\.1:${parent.port}`));
  t.regex(reply.text, /a\.action:5: <code>\{\+set-image-blocker\{pattern\}\}/);
  t.regex(reply.text, /\+block\{an &lt;ad&gt;\}/);
  t.regex(reply.text, /blocked: an &lt;ad&gt;/);
});

test('nothing of an address that is looked up becomes markup', async (t) => {
  const { port } = await pair(t, CONFIG, FILES);
  const reply = await probe(port, get('http://p.p/show-url-info?url=%22%3E%3Cscript%3Ex%3C/script%3E'));
  t.is(statusOf(reply), '200');
  t.notRegex(reply.text, /<script>/);
});

test('the request page shows the request as it came', async (t) => {
  const { port } = await pair(t);
  const reply = await probe(port, get('http://config.privoxy.org/show-request', 'X-Mine: <1>'));
  t.regex(
    reply.text,
    /GET http:\/\/config\.privoxy\.org\/show-request HTTP\/1\.1\nHost: config\.privoxy\.org\nX-Mine: &lt;1&gt;/,
  );
});

test('the status page lists rules, what is ignored, and counters; no site by name', async (t) => {
  const { port } = await pair(t, 'keep-alive-timeout 5\nenable-compression 1\n');
  await probe(port, get('http://secret-site.i2p/'));
  const reply = await probe(port, get('http://p.p/show-status'));
  t.regex(reply.text, /config:3: enable-compression is ignored/);
  t.regex(reply.text, /forwarded: 1/);
  t.notRegex(reply.text, /secret-site/);
});

const PAGE_URLS = [
  'http://p.p/',
  'http://p.p/show-status',
  'http://p.p/robots.txt',
  'http://config.privoxy.org/t',
];

for (const header of ['Referer: http://a.i2p/', 'Origin: http://a.i2p', 'Origin: null', 'Referer: rubbish']) {
  test(`with "${header}" the pages look like a host that does not exist`, async (t) => {
    const { port } = await pair(t);
    const nobody = await probe(port, get('http://nobody.invalid/', header));
    for (const url of PAGE_URLS) t.is((await probe(port, get(url, header))).text, nobody.text, url);
  });
}

test("with the pages' own Referer they answer, and allium-pages 0 turns them off", async (t) => {
  const { port: on } = await pair(t);
  t.is(
    statusOf(await probe(on, get('http://p.p/', 'Referer: http://config.privoxy.org/show-status'))),
    '200',
  );
  const { port: off } = await pair(t, 'allium-pages 0\n');
  t.is(statusOf(await probe(off, get('http://p.p/'))), '403');
});

test('no image is served that a site could probe for, and no answer may be embedded', async (t) => {
  const { port } = await pair(t, CONFIG, FILES);
  for (const path of [
    'send-banner?type=pattern',
    'error-favicon.ico',
    't',
    'toggle',
    'edit-actions',
    'die',
  ]) {
    t.is(statusOf(await probe(port, get(`http://p.p/${path}`))), '404', path);
  }
  for (const url of [
    'http://p.p/',
    'http://p.p/nosuch',
    'http://pattern.ads.i2p/',
    'http://nobody.invalid/',
  ]) {
    const { text } = await probe(port, get(url));
    t.regex(text, /\r\nCross-Origin-Resource-Policy: same-origin\r\n/, url);
    t.regex(text, /\r\nX-Frame-Options: DENY\r\n/, url);
    t.notRegex(text, /\r\n(?:Date|Server): /, url);
  }
});

test('blocked pages say why; blocked images are images; empty documents are empty', async (t) => {
  const { port, parent } = await pair(t, CONFIG, FILES);
  const page = await probe(port, get('http://page.ads.i2p/'));
  t.regex(page.text, /^HTTP\/1\.1 403 Request blocked by Privoxy\r\n/);
  t.regex(page.text, /an &lt;ad&gt;/);
  for (const [name, side] of [
    ['blank', 1],
    ['pattern', 4],
  ] as const) {
    const { text } = await probe(port, get(`http://${name}.ads.i2p/`));
    t.regex(text, /^HTTP\/1\.1 403 [\s\S]*\r\nContent-Type: image\/png\r\n/);
    const png = Buffer.from(body(text), 'latin1');
    t.is(png.readUInt32BE(16), side);
    const data = png.subarray(png.indexOf('IDAT') + 4, png.indexOf('IEND') - 8);
    t.is(inflateSync(data).length, side * (1 + 2 * side));
  }
  const moved = await probe(port, get('http://other.ads.i2p/'));
  t.regex(
    moved.text,
    /^HTTP\/1\.1 302 Local Redirect from Privoxy\r\nLocation: http:\/\/other\.i2p\/x\.png\r\n/,
  );
  t.is(body((await probe(port, get('http://empty.ads.i2p/'))).text), ' ');
  t.is(parent.take(), '');
});

test('redirects by substitution and fast redirects', async (t) => {
  const { port, parent } = await pair(t, CONFIG, FILES);
  t.regex((await probe(port, get('http://old.i2p/a?b'))).text, /\r\nLocation: http:\/\/new\.i2p\/a\?b\r\n/);
  t.regex(
    (await probe(port, get('http://fast.i2p/?u=http%3a%2f%2fx.i2p%2f'))).text,
    /\r\nLocation: http:\/\/x\.i2p\/\r\n/,
  );
  t.is(parent.take(), '');
  t.is(statusOf(await probe(port, get('http://fast.i2p/plain'))), '200');
});

test('HEAD of an own page has no body, and the connection goes on', async (t) => {
  const { port } = await pair(t);
  const reply = await probe(
    port,
    ['HEAD http://p.p/ HTTP/1.1\r\nHost: p.p\r\n\r\n', get('http://p.p/robots.txt')],
    { answers: 2 },
  );
  t.regex(reply.text, /^HTTP\/1\.1 200 OK\r\n[^<]*\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});
