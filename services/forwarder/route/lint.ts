import { BlockList } from 'node:net';
import { matchesUrl } from '../rules/match-url.ts';
import type { RequestUrl } from '../rules/request-url.ts';
import type { AccessRule, AddressRange } from '../syntax/access-line.ts';
import { type ForwardRule, isI2pPattern } from '../syntax/forward-line.ts';
import type { Notes } from '../syntax/notes.ts';
import type { Settings } from '../syntax/settings.ts';
import { isForbidden } from './choose.ts';

/** An .i2p host that no one has; what fits it fits all of them. */
const ANY_I2P: RequestUrl = {
  scheme: 'http',
  host: 'a-name-nobody-has.i2p',
  port: 80,
  path: '/',
  authority: 'a-name-nobody-has.i2p',
};

/** Warns of rules that look right and are not: order decides, and the last one wins. */
export function lintForwards(file: string, rules: readonly ForwardRule[], notes: Notes): void {
  const fitting = rules.filter((rule) => matchesUrl(rule.pattern, ANY_I2P));
  const wins = fitting.findLast(({ way }) => !isForbidden(way, ANY_I2P));
  const last = fitting.at(-1);
  if (last !== undefined && last !== wins)
    notes.warn(last, 'does not take .i2p, though it would in Privoxy: no such name goes to Tor');
  if (wins === undefined) {
    notes.warn({ file, line: 1 }, 'no forward rule takes .i2p: every request for it will be refused');
    return;
  }
  if (wins.way.i2p === undefined) {
    notes.warn(wins, 'takes .i2p to another parent: the header rules for I2P will not be applied');
  }
  const meant = rules.findLast(({ pattern }) => isI2pPattern(pattern.source));
  if (meant !== undefined && rules.indexOf(meant) < rules.indexOf(wins)) {
    notes.warn(meant, `line ${wins.line} comes later and takes .i2p away from this rule: the last one wins`);
  }
}

/** Warns of access lines that were written for another network, and let no workstation in. */
export function lintAccess({ access }: Settings, gateway: Settings, notes: Notes): void {
  const workstations = gateway.access.filter(({ permit }) => permit);
  const [first] = access;
  if (first === undefined || workstations.length === 0) return;
  const some = access.some(
    ({ permit, from }) => permit && workstations.some((rule) => overlap(rule.from, from)),
  );
  if (!some)
    notes.warn(first, `lets nobody in: workstations are in ${workstations.map(rangeText).join(', ')}`);
}

function overlap(a: AddressRange, b: AddressRange): boolean {
  return holds(a, b) || holds(b, a);
}

function holds(range: AddressRange, { address, family }: AddressRange): boolean {
  const list = new BlockList();
  list.addSubnet(range.address, range.prefix, range.family);
  return list.check(address, family);
}

function rangeText({ from }: AccessRule): string {
  return `${from.address}/${from.prefix}`;
}

/** Refuses what needs the router where nothing says where it is. */
export function lintRouter(file: string, settings: Settings, notes: Notes): void {
  if (settings.router !== undefined) return;
  const rule = settings.forwards.find(({ way }) => way.i2p === true);
  const needed = rule !== undefined || settings.socksDoors.length > 0 || settings.services.length > 0;
  if (needed) {
    notes.refuse(
      rule ?? { file, line: 1 },
      'leads to the I2P router, and no allium-router line says where it is',
    );
  }
}
