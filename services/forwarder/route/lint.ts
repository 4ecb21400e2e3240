import { matchesUrl } from '../rules/match-url.ts';
import type { RequestUrl } from '../rules/request-url.ts';
import type { ForwardRule } from '../syntax/forward-line.ts';
import type { Notes } from '../syntax/notes.ts';
import type { Settings } from '../syntax/settings.ts';

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
  const wins = rules.findLast((rule) => matchesUrl(rule.pattern, ANY_I2P));
  if (wins === undefined) {
    notes.warn({ file, line: 1 }, 'no forward rule takes .i2p: every request for it will be refused');
    return;
  }
  if (wins.way.i2p === undefined) {
    notes.warn(wins, 'takes .i2p to another parent: the header rules for I2P will not be applied');
  }
  const meant = rules.findLast((rule) => /(?:^|\.)i2p(?:[:/]|$)/i.test(rule.pattern.source));
  if (meant !== undefined && rules.indexOf(meant) < rules.indexOf(wins)) {
    notes.warn(meant, `line ${wins.line} comes later and takes .i2p away from this rule: the last one wins`);
  }
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
