import test from 'ava';
import { foreign, isAnnouncement, towardsUplink } from '../support/allowed.ts';
import type { Frame } from '../support/sniffer.ts';
import { arp, ethernet, ipv4, synFrame, udpFrame } from './build.ts';
import { read } from './read.ts';

const MACS = { from: '02:00:00:00:00:01', to: '02:00:00:00:00:02' };
const ALLOW = towardsUplink({ gateUp: '172.31.255.2', uplink: '172.31.255.3', port: 3128 });

function frame(hex: string): Frame {
  return { device: 1, incoming: true, count: 1, bytes: Buffer.from(hex, 'hex') };
}

function passes(hex: string): boolean {
  return foreign([frame(hex)], ALLOW).length === 0;
}

test('Tor’s flow to the uplink and the ARP that it needs pass, and nothing that is nearly so', (t) => {
  t.true(passes(synFrame(MACS, '172.31.255.2', '172.31.255.3', 3128)));
  t.true(passes(arp(MACS, 1, '172.31.255.2', '172.31.255.3')));
  t.false(passes(synFrame(MACS, '172.31.255.2', '172.31.255.3', 3129)));
  t.false(passes(synFrame(MACS, '10.152.152.11', '172.31.255.3', 3128)));
  t.false(passes(synFrame(MACS, '172.31.255.2', '1.2.3.4', 3128)));
  t.false(passes(udpFrame(MACS, '172.31.255.2', '172.31.255.3', 3128)));
  t.false(passes(arp(MACS, 1, '10.152.152.10', '172.31.255.3')));
});

test('Docker’s announcement of an address is known exactly, and passes between gate and uplink never', (t) => {
  const OWN = '172.31.255.2';
  const exact = arp(MACS, 1, OWN, OWN);
  t.true(isAnnouncement(frame(exact), OWN));
  t.true(isAnnouncement({ ...frame(exact), count: 3 }, OWN));
  t.false(passes(exact));
  const nearly: readonly (readonly [string, string])[] = [
    ['a reply', arp(MACS, 2, OWN, OWN)],
    ['for another address', arp(MACS, 1, '172.31.255.3', '172.31.255.3')],
    ['a question', arp(MACS, 1, OWN, '172.31.255.3')],
    ['another’s question', arp(MACS, 1, '172.31.255.3', OWN)],
    ['to one host', exact.replace(/^f{12}/, '020000000002')],
    [
      'for another hardware',
      arp({ ...MACS, from: '02:00:00:00:00:09' }, 1, OWN, OWN).replace('020000000009', '020000000001'),
    ],
    ['that names a target', exact.replace(/(?<=ac1fff02)0{12}/, '020000000002')],
    ['of another protocol', exact.replace('08060001', '08000001')],
  ];
  for (const [name, hex] of nearly) {
    t.not(hex, exact, name);
    t.false(isAnnouncement(frame(hex), OWN), name);
  }
  t.false(isAnnouncement({ ...frame(exact), count: 4 }, OWN), 'more than Docker sends');
});

test('a frame that nobody understands never passes, whatever was allowed', (t) => {
  const all = () => true;
  const strange = [
    ethernet(MACS.to, MACS.from, 0x9000, Buffer.alloc(46)),
    ethernet(MACS.to, MACS.from, 0x0800, Buffer.alloc(46)),
    ethernet(MACS.to, MACS.from, 0x0806, Buffer.alloc(46)),
    ethernet(MACS.to, MACS.from, 38, Buffer.alloc(46)),
    '00',
  ].map(frame);
  t.is(foreign(strange, all).length, strange.length);
});

test('fragments and options are seen as such', (t) => {
  const packet = ipv4({ src: '1.1.1.1', dst: '2.2.2.2', fragment: 100, options: Buffer.of(148, 4, 0, 0) });
  const found = read(Buffer.from(ethernet(MACS.to, MACS.from, 0x0800, packet), 'hex'));
  t.like(found, { kind: 'ipv4', fragment: true, options: true, srcPort: 0 });
});
