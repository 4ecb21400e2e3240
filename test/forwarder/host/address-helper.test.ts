import test from 'ava';
import { fetchThrough, type Got } from '../support/browser.ts';
import { SITE_B32, SITE_BASE64, siteRig } from '../support/site-rig.ts';

const HELPER = `i2paddresshelper=${SITE_BASE64.replaceAll('=', '%3D')}`;

test('a new name is asked about, saved by a click, and then served', async (t) => {
  const rig = await siteRig(t, (req, res) => res.end(req.url));
  const get = (url: string): Promise<Got> => fetchThrough(rig, url);
  t.is((await get('http://fresh.i2p/')).status, 404);
  const asked = await get(`http://fresh.i2p/page?q=1&${HELPER}`);
  t.is(asked.status, 409);
  t.is(rig.router.dialled.length, 0);
  const page = asked.body.toString();
  t.true(page.includes(`href="http://${SITE_B32}/page?q=1"`));
  t.regex(
    String(asked.headers['content-security-policy']),
    /form-action http:\/\/proxy\.i2p http:\/\/fresh\.i2p;/,
    'the redirect behind the form must be allowed too',
  );
  t.is((await get('http://fresh.i2p/')).status, 404, 'nothing is kept before the click');
  const nonce = /value="([\w-]+)"/.exec(page)?.[1];
  const form = (text: string): Promise<Got> =>
    fetchThrough(rig, 'http://proxy.i2p/add', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: text,
    });
  t.is((await form('nonce=guess')).status, 404);
  t.is((await form('x'.repeat(2000))).status, 413);
  const saved = await form(`nonce=${nonce}`);
  t.is(saved.status, 301);
  t.is(saved.headers.location, 'http://fresh.i2p/page?q=1');
  t.is((await get('http://fresh.i2p/page?q=1')).body.toString(), '/page?q=1');
  const again = await get(`http://fresh.i2p/page?${HELPER}`);
  t.is(again.status, 301);
  t.is(again.headers.location, 'http://fresh.i2p/page');
});

test('a conflict shows both ways and changes nothing', async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end());
  const other = `${'a'.repeat(52)}.b32.i2p`;
  const got = await fetchThrough(rig, `http://site.i2p/x?i2paddresshelper=${other}`);
  t.is(got.status, 409);
  t.true(got.body.toString().includes(`href="http://${other}/x"`));
  t.true(got.body.toString().includes('href="http://site.i2p/x"'));
  t.is(rig.router.dialled.length, 0);
});

test('a bad key is 404', async (t) => {
  const rig = await siteRig(t, (_req, res) => res.end());
  t.is((await fetchThrough(rig, 'http://fresh.i2p/?i2paddresshelper=%3Cb%3E')).status, 404);
});
