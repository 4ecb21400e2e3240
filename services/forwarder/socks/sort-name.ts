import { parseIp } from '@allium/common/net/ip-address.ts';

/** Characters of a name without its final dot (RFC 1035 2.3.4), and of one label. */
const NAME_MAX = 253;
const LABEL = /^[a-z0-9_-]{1,63}$/;

export type NameKind = 'i2p' | 'other' | 'invalid';

/**
 * What a name from a SOCKS request is, raw bytes as latin1. Whatever could be read as another name by whoever comes
 * next is invalid: any byte but letters, digits, hyphen and underscore, empty labels, two final dots. So a name
 * below .i2p has one spelling but for case and one final dot, and nothing else can be taken for one.
 */
export function sortName(raw: string): NameKind {
  const name = (raw.endsWith('.') ? raw.slice(0, -1) : raw).toLowerCase();
  if (name.length > NAME_MAX) return 'invalid';
  if (parseIp(name.replace(/^\[(.*)\]$/, '$1')) !== undefined) return 'other';
  const labels = name.split('.');
  if (!labels.every((label) => LABEL.test(label))) return 'invalid';
  return labels.at(-1) === 'i2p' ? 'i2p' : 'other';
}
