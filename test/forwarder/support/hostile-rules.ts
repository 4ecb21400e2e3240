import { createRules, type Rules } from '../../../services/forwarder/rules/rules.ts';
import { parseActionFile } from '../../../services/forwarder/syntax/action-file.ts';
import { parseConfig } from '../../../services/forwarder/syntax/config-file.ts';
import { parseFilterFile } from '../../../services/forwarder/syntax/filter-file.ts';
import { Notes } from '../../../services/forwarder/syntax/notes.ts';

/** Every action that looks at what came from outside. */
const ACTIONS = `{+hide-referrer{conditional-forge} +hide-if-modified-since{-60} +crunch-client-header{x-gone} \\
 +crunch-server-header{x-gone} +limit-cookie-lifetime{60} +session-cookies-only +fast-redirects{check-decoded-url} \\
 +overwrite-last-modified{randomize} +client-header-filter{plain} +server-header-filter{plain} \\
 +client-header-tagger{plain} +limit-connect{1-65535}}
/
{+block{nobody}}
*a*a*a*b.i2p
.a.*a*b.example.org
/nowhere/at/all
`;
/** Text that is looked for; expressions are the engine's, whose time is a matter of its own. */
const FILTERS = `CLIENT-HEADER-FILTER: plain
s@nowhere at all@x@g
SERVER-HEADER-FILTER: plain
s@nowhere at all@x@g
CLIENT-HEADER-TAGGER: plain
s@nowhere at all@x@
`;
const CONFIG = `permit-access 10.0.0.0/8
forward-socks5t / 127.0.0.1:9050 .
forward *a*b.i2p 127.0.0.1:4444
client-header-order host referer cookie
`;

export function hostileRules(): Rules {
  const notes = new Notes();
  const settings = parseConfig('config', CONFIG, notes);
  const sections = parseActionFile('a', ACTIONS, notes);
  const rules = createRules({ settings, sections, filters: parseFilterFile('f', FILTERS, notes) }, notes);
  notes.check();
  return rules;
}
