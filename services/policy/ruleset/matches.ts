import { ct, masked, meta, type Prefix, payload, prefix } from 'nftables-ts/expressions.ts';
import { match, matchFlags, type Statement } from 'nftables-ts/statements.ts';
import type { Subnet } from '../model/addresses.ts';

export function from(device: string): Statement {
  return match(meta('iifname'), device);
}

export function to(device: string): Statement {
  return match(meta('oifname'), device);
}

export function network(subnet: Subnet): Prefix {
  return prefix(subnet.addr, subnet.len);
}

export function ctState(...states: [string, ...string[]]): Statement {
  return matchFlags(ct('state'), ...states);
}

export const isIpv6 = match(meta('nfproto'), 'ipv6');
/** First packet of a TCP connection: SYN and none of FIN, RST, ACK. */
export const isSyn = match(masked(payload('tcp', 'flags'), ['fin', 'syn', 'rst', 'ack']), 'syn');
export const isNotSyn = match(masked(payload('tcp', 'flags'), ['fin', 'syn', 'rst', 'ack']), 'syn', '!=');
/** More-fragments flag or an offset: bits 13 and 0-12 of the field. */
export const isFragment = match(masked(payload('ip', 'frag-off'), 0x3fff), 0, '!=');
/** A header of more than five words has options. */
export const hasOptions = match(payload('ip', 'hdrlength'), 5, '>');
