import test from 'ava';
import { isToRelay } from './story/watcher.ts';

const HEAD = '02:42:0a:c0:00:04 > 02:42:0a:d9:00:0a, ';

/** As tcpdump 4.99 printed them in front of the test network. */
const RIGHT = [
  'IPv4, length 66: 10.192.0.4.52488 > 10.217.0.10.9001: tcp 0',
  'IPv4, length 1104: 10.192.0.4.52488 > 10.220.0.10.9001: tcp 1050',
  'ARP, length 42: Request who-has 10.217.0.10 tell 10.192.0.4, length 28',
  'ARP, length 42: Reply 10.192.0.4 is-at 02:42:0a:c0:00:04, length 28',
];
const WRONG = [
  ['another host', 'IPv4, length 66: 10.192.0.4.52488 > 10.192.0.2.9001: tcp 0'],
  ['another port', 'IPv4, length 66: 10.192.0.4.52488 > 10.217.0.10.443: tcp 0'],
  ['UDP to a relay', 'IPv4, length 46: 10.192.0.4.40000 > 10.217.0.10.9001: UDP, length 4'],
  ['ICMP to a relay', 'IPv4, length 98: 10.192.0.4 > 10.217.0.10: ICMP echo request, id 1, seq 1, length 64'],
  ['a fragment', 'IPv4, length 66: 10.192.0.4 > 10.217.0.10: tcp'],
  ['IPv6', 'IPv6, length 70: fe80::42:aff:fec0:4 > ff02::2: ICMP6, router solicitation, length 16'],
  ['a question for anybody else', 'ARP, length 42: Request who-has 10.192.0.1 tell 10.192.0.4, length 28'],
  ['an announcement by a question', 'ARP, length 42: Request who-has 10.192.0.4 tell 10.192.0.4, length 28'],
  ['what tcpdump cannot read', 'IPv4, length 66: [|ip]'],
  ['nothing', ''],
] as const;

for (const line of RIGHT) {
  test(`may leave: ${line}`, (t) => {
    t.true(isToRelay(`${HEAD}${line}`));
  });
}
for (const [name, line] of WRONG) {
  test(`may not leave: ${name}`, (t) => {
    t.false(isToRelay(`${HEAD}${line}`));
  });
}

test('may not leave: an announcement by an answer to everybody', (t) => {
  const answer = 'ARP, length 42: Reply 10.192.0.4 is-at 02:42:0a:c0:00:04, length 28';
  t.false(isToRelay(`02:42:0a:c0:00:04 > ff:ff:ff:ff:ff:ff, ${answer}`));
});
