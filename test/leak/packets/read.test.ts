import test from 'ava';
import { foreign, towardsUplink } from '../support/allowed.ts';
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
