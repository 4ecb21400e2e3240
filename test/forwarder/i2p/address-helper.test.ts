import test from 'ava';
import { OFFER_LIFETIME_MS, OFFERS_MAX, takeHelper } from '../../../services/forwarder/i2p/address-helper.ts';
import { formAnswer } from '../../../services/forwarder/i2p/own-pages.ts';
import type { Answer } from '../../../services/forwarder/pages/answer.ts';
import {
  books,
  decide,
  html,
  KEY,
  KNOWN_B32,
  NOW,
  OFFERED,
  OFFERED_B32,
  outcome,
  urlOf,
} from './decision-rig.ts';

const HELPERS: readonly (readonly [path: string, rest: string | undefined, values: string[]])[] = [
  ['/', undefined, []],
  ['/?a=b', undefined, []],
  ['/i2paddresshelper=x', undefined, []],
  ['/?i2paddresshelper=x', '/', ['x']],
  ['/p?i2paddresshelper=x&a=b', '/p?a=b', ['x']],
  ['/p?a=b&i2paddresshelper=x', '/p?a=b', ['x']],
  ['/p?a=%26&i2paddresshelper=x%3D&c=d?e', '/p?a=%26&c=d?e', ['x=']],
  ['/?i2paddress%68elper=x', '/', ['x']],
  ['/?i2paddresshelper', '/', ['']],
  ['/?i2paddresshelper=x&i2paddresshelper=y', '/', ['x', 'y']],
  ['/?i2paddresshelper=%', '/', ['?']],
  ['/?%=i2paddresshelper', undefined, []],
];

for (const [path, rest, values] of HELPERS) {
  test(`the helper of ${path}`, (t) => {
    t.deepEqual(takeHelper(path), rest === undefined ? undefined : { path: rest, values });
  });
}

test('a new name is asked about, and kept only by the nonce on that page', async (t) => {
  const with_ = books();
  const url = `http://new.i2p:81/p?q=1&i2paddresshelper=${OFFERED}`;
  const decision = await decide(url, 'GET', [], with_);
  t.is(outcome(decision), 409);
  const page = html(decision);
  t.true(page.includes(`<a href="http://${OFFERED_B32}:81/p?q=1">Continue once</a>`));
  t.true(page.includes('<form method="post" action="http://proxy.i2p/add">'));
  t.is(outcome(await decide('http://new.i2p:81/', 'GET', [], with_)), 404);
  const nonce = /name="nonce" value="([^"]+)"/.exec(page)?.[1] ?? '';
  t.regex(nonce, /^[\w-]{24}$/);
  const post = (form: string, key = KEY): Promise<Answer> =>
    formAnswer(
      { key, method: 'POST', url: urlOf('http://proxy.i2p/add'), headers: [] },
      form,
      with_.helpers,
      NOW,
    );
  t.is((await post(`nonce=${nonce}`, 'b'.repeat(32))).status, 404, 'another workstation can not say yes');
  t.is((await post('nonce=wrong')).status, 404);
  t.is((await post('')).status, 404);
  t.deepEqual((await post(`nonce=${nonce}`)).headers.slice(-2), ['Location', 'http://new.i2p:81/p?q=1']);
  t.is((await post(`nonce=${nonce}`)).status, 404, 'a nonce serves once');
  t.is(outcome(await decide('http://new.i2p:81/', 'GET', [], with_)), `${OFFERED_B32}/`);
  t.is(outcome(await decide(url, 'GET', [], with_)), 301);
  t.is(outcome(await decide(url, 'POST', [], with_)), `${OFFERED_B32}/p?q=1`);
});

test('a helper that agrees with the address book leads on without it', async (t) => {
  const decision = await decide(`http://foo.i2p/p?i2paddresshelper=${KNOWN_B32}`);
  t.is(outcome(decision), 301);
  if (decision.kind === 'answer')
    t.deepEqual(decision.answer.headers.slice(-2), ['Location', 'http://foo.i2p/p']);
  t.is(outcome(await decide('http://foo.i2p/?i2paddresshelper=')), 301);
  t.is(outcome(await decide('http://nobody.i2p/?i2paddresshelper=')), 404);
});

test('a helper that contradicts the address book gets both links and keeps nothing', async (t) => {
  const with_ = books();
  const decision = await decide(`http://foo.i2p/p?i2paddresshelper=${OFFERED}`, 'GET', [], with_);
  t.is(outcome(decision), 409);
  t.true(html(decision).includes('href="http://foo.i2p/p"'));
  t.true(html(decision).includes(`href="http://${OFFERED_B32}/p"`));
  t.false(html(decision).includes('nonce'));
  t.is(outcome(await decide('http://foo.i2p/', 'GET', [], with_)), `${KNOWN_B32}/`);
});

const BAD_HELPERS: readonly (readonly [helper: string, status: number])[] = [
  ['x', 404],
  ['foo.i2p', 404],
  [OFFERED.slice(40), 404],
  [`${OFFERED}&i2paddresshelper=${KNOWN_B32}`, 404],
  [`${'a'.repeat(56)}.b32.i2p`, 502],
];

for (const [index, [helper, status]] of BAD_HELPERS.entries()) {
  test(`bad helper ${index} gets ${status}`, async (t) => {
    t.is(outcome(await decide(`http://new.i2p/?i2paddresshelper=${helper}`)), status);
  });
}

test('a helper helps no reserved, invalid or outside name', async (t) => {
  for (const host of ['router.i2p', 'f_o.i2p', 'example.org']) {
    t.is(outcome(await decide(`http://${host}/?i2paddresshelper=${OFFERED}`)), 403);
  }
});

test('only a fetcher without a browser around it skips the question', async (t) => {
  const url = `http://new.i2p/?i2paddresshelper=${OFFERED}`;
  const wget = ['User-Agent', 'Wget/1.11.4'];
  const with_ = books();
  t.is(outcome(await decide(url, 'POST', wget, with_)), `${OFFERED_B32}/`);
  t.is(outcome(await decide('http://new.i2p/', 'GET', wget, with_)), 404, 'nothing is kept');
  t.is(outcome(await decide(url, 'POST', [], with_)), 409);
  for (const header of ['Origin', 'Referer', 'Cookie']) {
    t.is(outcome(await decide(url, 'GET', [...wget, header, 'x'], with_)), 409);
  }
});

test('questions grow old and are bounded', async (t) => {
  const { names, helpers } = books();
  const ask = async (): Promise<string> => {
    const verdict = await helpers.judge(KEY, urlOf('http://new.i2p/'), [OFFERED_B32], NOW);
    return verdict.kind === 'new' ? verdict.nonce : '';
  };
  const first = await ask();
  t.is(await helpers.accept(KEY, first, NOW + OFFER_LIFETIME_MS + 1), undefined);
  const second = await ask();
  for (let i = 0; i < OFFERS_MAX; i++) await ask();
  t.is(await helpers.accept(KEY, second, NOW), undefined);
  t.is((await names.resolve(KEY, 'new.i2p')).kind, 'unknown');
  t.is(await helpers.accept(KEY, await ask(), NOW), 'http://new.i2p/');
  t.is((await names.resolve('b'.repeat(32), 'new.i2p')).kind, 'unknown', 'nobody else knows it');
});
