import { isIPv4, isIPv6 } from 'node:net';
import { ELEMENT_TYPES, type Element, type ElementType } from './objects.ts';

/** Longest interface name the kernel takes, in bytes. */
const MAX_DEVICE_BYTES = 15;
/** Longest comment: nft's limit of 128 counts a closing zero. */
export const MAX_COMMENT_BYTES = 127;
const MAX_NAME_LENGTH = 127;

/** Why a value is not allowed; undefined when it is. */
export type Problem = string | undefined;

export function nameProblem(name: string): Problem {
  if (/^[A-Za-z][A-Za-z0-9_.]*$/.test(name) && name.length <= MAX_NAME_LENGTH) return undefined;
  return `'${name}' is not a name (a letter, then letters, digits, '_' and '.')`;
}

export function deviceProblem(name: string): Problem {
  if (/^[A-Za-z0-9][A-Za-z0-9_.:@-]*$/.test(name) && Buffer.byteLength(name) <= MAX_DEVICE_BYTES)
    return undefined;
  return `'${name}' is not an interface name`;
}

/** Comments are text for people: no quotes, no control characters, within nft's limit. */
export function commentProblem(comment: string): Problem {
  const length = Buffer.byteLength(comment);
  if (length === 0 || length > MAX_COMMENT_BYTES)
    return `a comment of ${length} bytes (1 to ${MAX_COMMENT_BYTES})`;
  return /["\\]|\p{Cc}/u.test(comment)
    ? 'a comment with quotes, backslashes or control characters'
    : undefined;
}

/** A member of a set or key of a map, by its declared type. */
export function elementProblem(
  element: Element,
  type: ElementType | readonly ElementType[],
  interval: boolean,
): Problem {
  if (typeof type !== 'string') return concatProblem(element, type, interval);
  if (typeof element === 'object' && 'concat' in element) return `a concatenation in a set of ${type}`;
  if (typeof element !== 'object') return scalarProblem(element, type);
  if (!interval) return 'a range or prefix in a set that is not an interval set';
  return 'prefix' in element
    ? prefixProblem(element.prefix.addr, element.prefix.len, type)
    : rangeProblem(element.range[0], element.range[1], type);
}

function concatProblem(element: Element, types: readonly ElementType[], interval: boolean): Problem {
  if (typeof element !== 'object' || !('concat' in element)) return 'not a concatenation';
  if (element.concat.length !== types.length)
    return `${element.concat.length} parts for ${types.length} types`;
  for (const [i, type] of types.entries()) {
    const problem = elementProblem(element.concat[i] ?? '', type, interval);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** A single value of a type: addresses are literals, so that nft never looks a name up. */
export function scalarProblem(value: string | number, type: ElementType): Problem {
  const wrong = `'${value}' is not of type ${type}`;
  switch (type) {
    case 'ipv4_addr':
      return typeof value === 'string' && isIPv4(value) ? undefined : wrong;
    case 'ipv6_addr':
      return typeof value === 'string' && isIPv6(value) && !value.includes('%') ? undefined : wrong;
    case 'ether_addr':
      return typeof value === 'string' && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(value) ? undefined : wrong;
    case 'inet_service':
      return integer(value, 0xffff) ? undefined : wrong;
    case 'mark':
      return integer(value, 0xffff_ffff) ? undefined : wrong;
    case 'inet_proto':
      return integer(value, 0xff) || /^[a-z0-9-]+$/.test(String(value)) ? undefined : wrong;
    case 'ifname':
      return typeof value === 'string' ? deviceProblem(value) : wrong;
    default:
      return `unknown type ${String(type satisfies never)}; known are ${ELEMENT_TYPES.join(', ')}`;
  }
}

function integer(value: string | number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}

export function prefixProblem(addr: string, len: number, type: ElementType): Problem {
  if (type !== 'ipv4_addr' && type !== 'ipv6_addr') return `a prefix in a set of ${type}`;
  const problem = scalarProblem(addr, type);
  if (problem !== undefined) return problem;
  const bits = type === 'ipv4_addr' ? 32 : 128;
  if (!integer(len, bits) || len === 0 || len === bits) return `a prefix of length ${len} (1 to ${bits - 1})`;
  if (type === 'ipv4_addr' && ((ipv4Number(addr) << len) & 0xffff_ffff) !== 0)
    return `${addr}/${len} has host bits`;
  return undefined;
}

export function rangeProblem(from: string | number, to: string | number, type: ElementType): Problem {
  const problem = scalarProblem(from, type) ?? scalarProblem(to, type);
  if (problem !== undefined) return problem;
  if (type === 'ipv6_addr') return undefined;
  const [low, high] = type === 'ipv4_addr' ? [ipv4Number(String(from)), ipv4Number(String(to))] : [from, to];
  if (typeof low !== 'number' || typeof high !== 'number' || low >= high)
    return `the range ${from}-${to} is not rising`;
  if (type === 'ipv4_addr' && isPrefix(low, high)) return `${from}-${to} is a prefix: write it as one`;
  return undefined;
}

/** nft lists such a range as a prefix. */
function isPrefix(low: number, high: number): boolean {
  const size = high - low + 1;
  return Number.isInteger(Math.log2(size)) && low % size === 0;
}

/** Unsigned value of a dotted address. */
export function ipv4Number(addr: string): number {
  return addr.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}
