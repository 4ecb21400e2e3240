import { matchesUrl } from '../rules/match-url.ts';
import type { RequestUrl } from '../rules/request-url.ts';
import type { ForwardRule } from '../syntax/forward-line.ts';
import type { Notes } from '../syntax/notes.ts';

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
  if (wins.way.http === undefined) {
    notes.warn(wins, 'takes .i2p past the HTTP proxy of the router: its header rules will not be applied');
  }
  const meant = rules.findLast((rule) => /(?:^|\.)i2p(?:[:/]|$)/i.test(rule.pattern.source));
  if (meant !== undefined && rules.indexOf(meant) < rules.indexOf(wins)) {
    notes.warn(meant, `line ${wins.line} comes later and takes .i2p away from this rule: the last one wins`);
  }
}
