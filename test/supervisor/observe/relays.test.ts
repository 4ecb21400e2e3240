import test from 'ava';
import { relayList } from '../../../services/supervisor/observe/relays.ts';

/** As Tor 0.4.9.11 answers; shortened in length, not in form. */
const NOTHING = '250-UseBridges=0\r\n250-Bridge\r\n250-DirAuthority\r\n250 FallbackDir\r\n';
const DEFAULTS = [
  '250+config/defaults=',
  'DirAuthority "moria1 orport=9201 v3ident=F533C81CEF0BC0267857C99B2F471ADF249FA232 128.31.0.39:9231 1A25C6358DB91342AA51720A5038B72742732498"',
  'DirAuthority "gabelmoo orport=443 v3ident=ED03BB616EB2F60BEC80151114BB25CEF515B226 ipv6=[2001:638:a000:4140::ffff:189]:443 131.188.40.189:80 F204 4413 DAC2 E02E 3D6B CF47 35A1 9BCA 1DE9 7281"',
  'DirAuthorityFallbackRate "0.1"',
  'FallbackDir "185.129.62.64 orport=9001 id=141C317F74D92DA44FAA072F6BFD0C98DEFF9066 ipv6=[2a06:d380:0:103:acab:4c4b:ac4b:1312]:9001"',
  'UseDefaultFallbackDirs "1"',
  '.',
  '250 OK',
  '',
].join('\r\n');
const BUILT_IN = [
  '128.31.0.39:9201',
  '131.188.40.189:443',
  '185.129.62.64:9001',
  '[2001:638:a000:4140::ffff:189]:443',
  '[2a06:d380:0:103:acab:4c4b:ac4b:1312]:9001',
];
const NS = [
  '250+ns/all=',
  'r seele AAoQ1DAR6kkoo19hBAX5K0QztNw 2038-01-01 00:00:00 104.53.221.159 9001 0',
  's Fast Running Valid',
  'w Bandwidth=20',
  'r two AAwWPXsDKjVrcV+0G7Q8dN2V9kU digest 2038-01-01 00:00:00 199.184.246.250 443 9030',
  'a [2001:db9::1]:443',
  '.',
  '250 OK',
  '',
].join('\r\n');
const lines = (conf: string, ns: string, defaults = DEFAULTS): string[] =>
  relayList({ conf, defaults, ns }).split('\n');

test('before there is a consensus, it is whom Tor is built to ask for one', (t) => {
  t.deepEqual(lines(NOTHING, '250-ns/all=\r\n250 OK\r\n'), BUILT_IN);
});

test('with a consensus, its relays come on top, with every address that they have', (t) => {
  const added = ['104.53.221.159:9001', '199.184.246.250:443', '[2001:db9::1]:443'];
  t.deepEqual(lines(NOTHING, NS), [...BUILT_IN, ...added].toSorted());
});

test('with bridges it is the bridges and nobody else, whatever carries them', (t) => {
  const conf = [
    '250-UseBridges=1',
    '250-Bridge=obfs4 1.2.3.4:443 0123456789012345678901234567890123456789 cert=abc iat-mode=0',
    '250-Bridge=5.6.7.8:9001',
    '250-Bridge=[2001:500::1]:9001',
    '250-DirAuthority',
    '250 FallbackDir',
    '',
  ].join('\r\n');
  t.deepEqual(lines(conf, NS), ['1.2.3.4:443', '5.6.7.8:9001', '[2001:500::1]:9001']);
});

test('the user’s own authorities take the place of those that Tor is built with', (t) => {
  const conf = [
    '250-UseBridges=0',
    '250-Bridge',
    '250-DirAuthority=authority1 orport=5000 v3ident=AB 172.28.1.10:7000 CD',
    '250 FallbackDir',
    '',
  ].join('\r\n');
  t.deepEqual(lines(conf, ''), ['172.28.1.10:5000']);
});

test('a bridge by name, and nonsense in the consensus, add nobody', (t) => {
  t.is(
    relayList({
      conf: '250-UseBridges=1\r\n250 Bridge=obfs4 bridge.example:443 AB\r\n',
      defaults: DEFAULTS,
      ns: NS,
    }),
    '',
  );
  for (const ns of ['r', 'r a b c', 'a relay.example:443', 'r x y z relay.example 443 0', '\0']) {
    t.deepEqual(lines(NOTHING, ns), BUILT_IN);
  }
});
