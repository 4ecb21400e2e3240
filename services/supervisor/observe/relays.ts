import { MAX_RELAYS } from '@allium/common/contracts/uplink.ts';

/** Whom Tor may want to reach, from its own answers on the control port. Pure. */

export interface TorAnswers {
  /** `GETCONF UseBridges Bridge DirAuthority FallbackDir` */
  readonly conf: string;
  /** `GETINFO config/defaults`: among it the authorities and fallback directories that Tor is built with */
  readonly defaults: string;
  /** `GETINFO ns/all`: the consensus that it has; empty before the first one */
  readonly ns: string;
}

/**
 * The lines of the uplink's list, sorted. With bridges it is the bridges and nobody else. Without a consensus it is
 * whom Tor asks for one: the authorities and fallbacks that it is built with, or the user's own in their place.
 */
export function relayList({ conf, defaults, ns }: TorAnswers): string {
  const own = (key: string): string[] => valuesOf(conf, key);
  const found = new Set<string>();
  if (own('UseBridges').includes('1')) {
    for (const bridge of own('Bridge')) add(found, bridge.split(' ').find(isAddressAndPort));
    return listed(found);
  }
  const authorities = own('DirAuthority');
  for (const line of authorities.length > 0 ? authorities : quotedOf(defaults, 'DirAuthority')) {
    addDirectory(found, line, true);
  }
  const fallbacks = own('FallbackDir');
  const isOwn = fallbacks.length > 0 || authorities.length > 0;
  for (const line of isOwn ? fallbacks : quotedOf(defaults, 'FallbackDir')) addDirectory(found, line, false);
  addConsensus(found, ns);
  return listed(found);
}

/** Values of a key in an answer to GETCONF; one that is not set has none. */
function valuesOf(conf: string, key: string): string[] {
  return [...conf.matchAll(/^250[- ]([A-Za-z]+)=([^\r\n]+)/gm)]
    .filter(([, name]) => name === key)
    .map(([, , value = '']) => value);
}

/** `Key "value"` lines of GETINFO config/defaults. */
function quotedOf(defaults: string, key: string): string[] {
  return [...defaults.matchAll(/^([A-Za-z]+) "([^"\r\n]+)"/gm)]
    .filter(([, name]) => name === key)
    .map(([, , value = '']) => value);
}

/** `moria1 orport=9201 v3ident=… ipv6=[…]:443 128.31.0.39:9231 …`, or `185.129.62.64 orport=9001 id=… ipv6=[…]:9001`. */
function addDirectory(found: Set<string>, line: string, isAuthority: boolean): void {
  const words = line.split(' ');
  const port = words.find((word) => word.startsWith('orport='))?.slice('orport='.length);
  const address = isAuthority ? words.find(isAddressAndPort)?.replace(/:\d+$/, '') : words[0];
  add(found, `${address?.replace(/:\d+$/, '')}:${port}`);
  add(found, words.find((word) => word.startsWith('ipv6='))?.slice('ipv6='.length));
}

/** `r NAME IDENTITY [DIGEST] DATE TIME ADDRESS ORPORT DIRPORT`, followed by `a [IPV6]:PORT`. */
function addConsensus(found: Set<string>, ns: string): void {
  for (const line of ns.split(/\r?\n/)) {
    const words = line.split(' ');
    if (words[0] === 'r') add(found, words.slice(-3, -1).join(':'));
    else if (words[0] === 'a') add(found, words[1]);
  }
}

function add(found: Set<string>, text: string | undefined): void {
  if (text !== undefined && isAddressAndPort(text) && found.size < MAX_RELAYS) found.add(text);
}

function isAddressAndPort(text: string): boolean {
  return /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]):[1-9]\d{0,4}$/.test(text);
}

function listed(found: ReadonlySet<string>): string {
  return [...found].toSorted().join('\n');
}
