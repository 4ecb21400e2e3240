import test from 'ava';
import { probes } from '../../../services/supervisor/leaktest/frames.ts';
import { judge, parseSniffed } from '../../../services/supervisor/leaktest/judge.ts';
import { verdictOf } from '../../../services/supervisor/leaktest/verdict.ts';

const SITE = {
  from: '02:42:0a:98:80:02',
  to: '02:42:0a:98:98:0a',
  workstation: '10.152.128.2',
  gate: '10.152.152.10',
  uplink: '172.31.255.3',
};
const ALLOWED = { own: '172.31.255.3', gate: '172.31.255.2', relays: new Set(['172.28.1.10:5000']) };
const EXT = '172.28.0.2';
const INTERFACES =
  'interface 1 lo 127.0.0.1\r\ninterface 2 eth0 172.31.255.3\r\ninterface 3 eth1 172.28.0.2\r\n';

/** An IPv4 frame that says no more than who, whom and what. */
function frame(source: string, destination: string, from: number, to: number, protocol = 6): string {
  const bytes = Buffer.alloc(60);
  bytes.writeUInt16BE(0x0800, 12);
  bytes[14] = 0x45;
  bytes[23] = protocol;
  for (const [at, address] of [
    [26, source],
    [30, destination],
  ] as const) {
    for (const [index, part] of address.split('.').entries()) bytes[at + index] = Number(part);
  }
  bytes.writeUInt16BE(from, 34);
  bytes.writeUInt16BE(to, 36);
  return bytes.toString('hex');
}

const judged = (...frames: string[]) =>
  judge(parseSniffed(`${INTERFACES}${frames.map((hex) => `frame 3 2 ${hex}\r\n`).join('')}end\r\n`), ALLOWED);

test('TCP from the uplink to a relay of the list may leave, and nothing else may', (t) => {
  t.deepEqual(judged(frame(EXT, '172.28.1.10', 40_000, 5_000)), {
    toRelays: 2,
    arp: 0,
    toGate: 0,
    foreign: [],
  });
  const foreign = [
    frame(EXT, '172.28.1.10', 40_000, 5_001),
    frame(EXT, '172.28.1.11', 40_000, 5_000),
    frame('10.152.128.2', '172.28.1.10', 40_000, 5_000),
    frame('172.31.255.3', '172.28.1.10', 40_000, 5_000),
    frame(EXT, '172.28.1.10', 40_000, 5_000, 17),
    'ffffffffffff0242ac1c000286dd'.padEnd(120, '0'),
    '0011',
    'zz',
  ];
  for (const hex of foreign) t.is(judged(hex).foreign.length, 1, hex);
});

test('every probe is foreign where it leaves as it was sent', (t) => {
  for (const { kind, hex } of probes(SITE))
    t.is(judged(hex.slice(0, 128)).foreign.length, 1, `${kind}: ${hex}`);
});

test('on the side of the gate only answers to the gate and ARP may leave', (t) => {
  const up = (hex: string) => judge(parseSniffed(`${INTERFACES}frame 2 1 ${hex}\r\nend\r\n`), ALLOWED);
  t.is(up(frame('172.31.255.3', '172.31.255.2', 3_128, 40_000)).toGate, 1);
  t.is(up(frame('172.31.255.3', '172.31.255.1', 3_128, 40_000)).foreign.length, 1);
  const arp = Buffer.alloc(60);
  arp.writeUInt16BE(0x0806, 12);
  for (const [index, part] of [172, 31, 255, 3].entries()) arp[28 + index] = part;
  t.is(up(arp.toString('hex')).arp, 1);
  t.is(judged(arp.toString('hex')).foreign.length, 1);
});

const CLEAN = {
  probes: [
    { kind: 'TCP', plain: true },
    { kind: 'TCP', plain: true },
    { kind: 'UDP', plain: false },
  ],
  sent: 6,
  arrived: 2,
  complete: true,
  left: { toRelays: 3, arp: 1, toGate: 3, foreign: [] },
};

test('clean is only what was seen to be clean', (t) => {
  t.is(verdictOf(CLEAN).verdict, 'nothing leaked');
  t.deepEqual(verdictOf(CLEAN).probes, { TCP: 2, UDP: 1 });
  for (const blind of [
    { sent: 2 },
    { arrived: 1 },
    { complete: false },
    { left: { ...CLEAN.left, toRelays: 0 } },
  ]) {
    t.is(verdictOf({ ...CLEAN, ...blind }).verdict, 'blind', JSON.stringify(blind));
  }
  const left = { ...CLEAN.left, foreign: ['2 × IPv4 protocol 17'] };
  t.is(verdictOf({ ...CLEAN, left, arrived: 0 }).verdict, 'leaked');
});

test('a sniffer that was cut short, or drowned, is not complete', (t) => {
  t.true(parseSniffed('end\r\n').complete);
  t.false(parseSniffed(INTERFACES).complete);
  t.false(parseSniffed('overflow\r\nend\r\n').complete);
  t.false(parseSniffed('no packet socket: Operation not permitted\r\n').complete);
});
