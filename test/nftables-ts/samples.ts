import {
  anyOf,
  concat,
  ct,
  ctTuple,
  fib,
  masked,
  meta,
  payload,
  prefix,
  range,
  rawPayload,
  setRef,
} from 'nftables-ts/expressions.ts';
import { PRIORITY, type Table } from 'nftables-ts/objects.ts';
import {
  accept,
  count,
  drop,
  goto,
  jump,
  limit,
  match,
  matchFlags,
  notrack,
  redirect,
  redirectByMap,
  reject,
  returnVerdict,
  type Statement,
  setCtMark,
  setMetaMark,
  vmap,
} from 'nftables-ts/statements.ts';

/** Every expression and statement that the builder knows, by the name of what it shows. */
export const RULES: Readonly<Record<string, readonly Statement[]>> = {
  'interface name': [match(meta('iifname'), 'lan0'), drop],
  'interface name by prefix of a set': [match(meta('oifname'), anyOf('lan0', 'up0')), drop],
  'not an interface': [match(meta('iifname'), 'lan0', '!='), drop],
  address: [match(payload('ip', 'saddr'), '1.2.3.4'), drop],
  'ipv6 prefix': [match(payload('ip6', 'daddr'), prefix('fd00::', 8)), drop],
  network: [match(payload('ip', 'saddr'), prefix('10.152.128.0', 18), '!='), drop],
  'addresses of all kinds': [
    match(payload('ip', 'daddr'), anyOf('1.2.3.4', prefix('10.0.0.0', 8), range('2.0.0.1', '2.0.0.5'))),
    drop,
  ],
  'named set': [match(payload('ip', 'saddr'), setRef('lans')), drop],
  'named concatenation': [
    match(concat(payload('ip', 'daddr'), payload('tcp', 'dport')), setRef('pairs')),
    drop,
  ],
  port: [match(payload('udp', 'dport'), 53), drop],
  'range of ports': [match(payload('tcp', 'dport'), range(1, 1023)), drop],
  'ports and ranges': [match(payload('tcp', 'dport'), anyOf(80, range(443, 445))), drop],
  'either transport': [match(payload('th', 'dport'), 53), drop],
  'first packet': [match(masked(payload('tcp', 'flags'), ['syn', 'fin', 'ack', 'rst']), 'syn'), drop],
  'not the first packet': [
    match(masked(payload('tcp', 'flags'), ['fin', 'syn', 'rst', 'ack']), 'syn', '!='),
    drop,
  ],
  fragment: [match(masked(payload('ip', 'frag-off'), 0x3fff), 0, '!='), drop],
  options: [match(payload('ip', 'hdrlength'), 5, '>'), drop],
  'time to live': [match(payload('ip', 'ttl'), 2, '<='), drop],
  'icmp type': [match(payload('icmp', 'type'), 'echo-request'), drop],
  'raw bits': [match(rawPayload('nh', 0, 8), 0x45), drop],
  protocols: [match(meta('l4proto'), anyOf('tcp', 'udp')), drop],
  family: [match(meta('nfproto'), 'ipv6'), drop],
  user: [match(meta('skuid'), 107), drop],
  'kind of frame': [match(meta('pkttype'), 'host', '!='), drop],
  'packet mark': [match(meta('mark'), 7), drop],
  'state of a flow': [matchFlags(ct('state'), 'invalid'), drop],
  'states of a flow': [matchFlags(ct('state'), 'new', 'established'), drop],
  'flow was turned': [matchFlags(ct('status'), 'dnat'), drop],
  'mark of a flow': [match(ct('mark'), setRef('marks')), drop],
  'part of a mark': [match({ '&': [ct('mark'), 0xffff] }, 7), drop],
  'direction of a flow': [match(ct('direction'), 'reply'), drop],
  'port before it was turned': [
    match(meta('l4proto'), 'tcp'),
    match(ctTuple('original', 'proto-dst'), 80),
    drop,
  ],
  'address before it was turned': [match(ctTuple('original', 'ip daddr'), '1.2.3.4'), drop],
  'type of route': [match(fib('type', 'daddr'), anyOf('broadcast', 'multicast')), drop],
  'reverse path': [match(fib('oifname', 'saddr', 'iif'), 'lan0'), drop],
  counter: [count('seen'), accept],
  limit: [limit(10, 'second', 20), accept],
  'marks set': [setMetaMark(3), setCtMark(0xffff_ffff), accept],
  'verdict map': [vmap(payload('tcp', 'dport'), 'doors')],
  'jump and return': [jump('door')],
  goto: [goto('door')],
  return: [match(payload('udp', 'sport'), 1), returnVerdict],
  notrack: [notrack],
  'reject by reset': [match(meta('l4proto'), 'tcp'), reject({ type: 'tcp reset' })],
  'reject by icmp': [reject({ type: 'icmpx', expr: 'admin-prohibited' })],
};

export const NAT_RULES: Readonly<Record<string, readonly Statement[]>> = {
  redirect: [match(payload('udp', 'dport'), 53), redirect(5300)],
  'redirect by map': [match(meta('l4proto'), 'tcp'), redirectByMap(payload('tcp', 'dport'), 'ports')],
};

export const NETDEV_RULES: Readonly<Record<string, readonly Statement[]>> = {
  'ethernet type': [match(meta('protocol'), 'ip'), accept],
  'hardware address': [match(payload('ether', 'daddr'), '02:00:00:00:00:01'), accept],
  'arp addresses': [
    match(payload('arp', 'saddr ip'), prefix('10.152.128.0', 18)),
    match(payload('arp', 'daddr ip'), '10.152.152.10'),
    accept,
  ],
  'arp operation': [match(payload('arp', 'operation'), 'request'), accept],
  'addresses and ports': [
    match(payload('ip', 'saddr'), '1.2.3.4'),
    match(payload('ip', 'daddr'), '1.2.3.5'),
    match(payload('tcp', 'sport'), 3128),
    accept,
  ],
};

function rules(all: Readonly<Record<string, readonly Statement[]>>) {
  return Object.entries(all).map(([comment, statements]) => ({ comment, statements }));
}

/** One table with everything in it. */
export const INET: Table = {
  family: 'inet',
  name: 'sample',
  counters: [{ name: 'seen' }],
  sets: [
    { name: 'marks', type: 'mark', elements: [0xffff_ffff, 1] },
    {
      name: 'lans',
      type: 'ipv4_addr',
      interval: true,
      elements: [prefix('10.0.0.0', 8), range('1.2.3.4', '1.2.3.9')],
    },
    { name: 'pairs', type: ['ipv4_addr', 'inet_service'], elements: [{ concat: ['1.2.3.4', 80] }] },
    { name: 'empty', type: 'ifname', elements: [] },
    { name: 'hosts6', type: 'ipv6_addr', elements: ['fd00::1'] },
    { name: 'macs', type: 'ether_addr', elements: ['02:00:00:00:00:01'] },
  ],
  maps: [
    {
      name: 'doors',
      type: 'inet_service',
      value: 'verdict',
      interval: true,
      entries: [
        [range(9152, 9229), { goto: { target: 'door' } }],
        [8118, { jump: { target: 'door' } }],
        [25, { drop: null }],
      ],
    },
    { name: 'ports', type: 'inet_service', value: 'inet_service', entries: [[53, 5300]] },
  ],
  chains: [
    { name: 'door', rules: [{ comment: 'the end', statements: [count('seen'), accept] }] },
    {
      name: 'early',
      base: { type: 'filter', hook: 'prerouting', priority: PRIORITY.beforeDefrag, policy: 'drop' },
      rules: rules(Object.fromEntries(Object.entries(RULES).filter(([name]) => name === 'notrack'))),
    },
    {
      name: 'input',
      base: { type: 'filter', hook: 'input', priority: PRIORITY.filter, policy: 'drop' },
      rules: rules(Object.fromEntries(Object.entries(RULES).filter(([name]) => name !== 'notrack'))),
    },
    {
      name: 'nat',
      base: { type: 'nat', hook: 'prerouting', priority: PRIORITY.dstnat, policy: 'drop' },
      rules: rules(NAT_RULES),
    },
  ],
};

export const NETDEV: Table = {
  family: 'netdev',
  name: 'sample',
  counters: [],
  sets: [],
  maps: [],
  chains: [
    {
      name: 'out',
      base: { type: 'filter', hook: 'egress', priority: -500, policy: 'drop', device: 'lan0' },
      rules: rules(NETDEV_RULES),
    },
    {
      name: 'in',
      base: { type: 'filter', hook: 'ingress', priority: -500, policy: 'accept', device: 'up0' },
      rules: [],
    },
  ],
};
