/** Header fields as libnftables spells them; a field that is not here is a mistake or needs adding. */
export const PAYLOAD_FIELDS = {
  ether: ['saddr', 'daddr', 'type'],
  vlan: ['id', 'cfi', 'pcp', 'type'],
  arp: ['htype', 'ptype', 'hlen', 'plen', 'operation', 'saddr ether', 'saddr ip', 'daddr ether', 'daddr ip'],
  ip: [
    'version',
    'hdrlength',
    'dscp',
    'ecn',
    'length',
    'id',
    'frag-off',
    'ttl',
    'protocol',
    'checksum',
    'saddr',
    'daddr',
  ],
  ip6: ['version', 'dscp', 'ecn', 'flowlabel', 'length', 'nexthdr', 'hoplimit', 'saddr', 'daddr'],
  icmp: ['type', 'code', 'checksum', 'id', 'sequence', 'gateway', 'mtu'],
  icmpv6: ['type', 'code', 'checksum', 'id', 'sequence', 'max-delay', 'mtu'],
  tcp: ['sport', 'dport', 'sequence', 'ackseq', 'doff', 'flags', 'window', 'checksum', 'urgptr'],
  udp: ['sport', 'dport', 'length', 'checksum'],
  th: ['sport', 'dport'],
} as const;
export type PayloadProtocol = keyof typeof PAYLOAD_FIELDS;
export type PayloadField<P extends PayloadProtocol> = (typeof PAYLOAD_FIELDS)[P][number];

export const META_KEYS = [
  'length',
  'protocol',
  'priority',
  'mark',
  'iif',
  'iifname',
  'iiftype',
  'iifgroup',
  'oif',
  'oifname',
  'oiftype',
  'oifgroup',
  'skuid',
  'skgid',
  'nfproto',
  'l4proto',
  'pkttype',
  'cgroup',
] as const;
export type MetaKey = (typeof META_KEYS)[number];

export const CT_KEYS = ['state', 'direction', 'status', 'mark', 'expiration', 'helper'] as const;
export type CtKey = (typeof CT_KEYS)[number];
/** Conntrack keys that exist once for each direction of a flow. */
export const CT_TUPLE_KEYS = [
  'l3proto',
  'protocol',
  'ip saddr',
  'ip daddr',
  'proto-src',
  'proto-dst',
] as const;
export type CtTupleKey = (typeof CT_TUPLE_KEYS)[number];

export const FIB_RESULTS = ['type', 'oif', 'oifname'] as const;
export type FibResult = (typeof FIB_RESULTS)[number];
export const FIB_FLAGS = ['saddr', 'daddr', 'mark', 'iif', 'oif'] as const;
export type FibFlag = (typeof FIB_FLAGS)[number];
