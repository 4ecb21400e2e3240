import { parseWay } from './forward-line.ts';
import { Notes } from './notes.ts';
import { parsePortList } from './port-list.ts';
import { parseSubstitution } from './substitution.ts';

type Fault = (value: string) => string | undefined;

export interface ActionKind {
  /** `many`: several values hold at the same time; `optional`: one value or none */
  readonly value: 'none' | 'one' | 'optional' | 'many';
  /** what happens to `+action`: done, left out with a warning, or no start; `-action` is always read */
  readonly use: 'done' | 'warned' | 'refused';
  /** what is wrong with a value; undefined when nothing is */
  readonly fault?: Fault;
}

/** A header of our own making must be one line, with a name that HTTP allows. */
export const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;
/** Values that end up in a header. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const ABSOLUTE_URL = /^https?:\/\/[\x21-\x7e]+$/i;

function oneOf(...allowed: readonly string[]): Fault {
  return (value) => (allowed.includes(value) ? undefined : `must be one of ${allowed.join(', ')}`);
}

const headerValue: Fault = (value) => (HEADER_VALUE.test(value) ? undefined : 'no value of a header');
const wholeNumber: Fault = (value) => (/^-?\d{1,7}$/.test(value) ? undefined : 'must be a number');

const FLAG: ActionKind = { value: 'none', use: 'done' };
const HEADER_TEXT: ActionKind = { value: 'one', use: 'done', fault: headerValue };
const NAME_LIST: ActionKind = { value: 'many', use: 'done' };
const LEFT_OUT: ActionKind = { value: 'many', use: 'warned' };

function value(fault: Fault): ActionKind {
  return { value: 'one', use: 'done', fault };
}

/** Every action of Privoxy 4.2.0. */
export const ACTIONS: ReadonlyMap<string, ActionKind> = new Map<string, ActionKind>([
  ['add-header', { ...NAME_LIST, fault: addedFault }],
  ['block', { value: 'optional', use: 'done' }],
  [
    'change-x-forwarded-for',
    value((text) =>
      text === 'add' ? 'must not be "add": it would name the workstation' : oneOf('block')(text),
    ),
  ],
  ['client-body-filter', LEFT_OUT],
  ['client-body-tagger', LEFT_OUT],
  ['client-header-filter', NAME_LIST],
  ['client-header-tagger', NAME_LIST],
  ['content-type-overwrite', HEADER_TEXT],
  ['crunch-client-header', HEADER_TEXT],
  ['crunch-if-none-match', FLAG],
  ['crunch-incoming-cookies', FLAG],
  ['crunch-outgoing-cookies', FLAG],
  ['crunch-server-header', HEADER_TEXT],
  ['deanimate-gifs', { value: 'one', use: 'warned' }],
  [
    'delay-response',
    value((text) => (/^\d{1,6}$/.test(text) ? undefined : 'must be a number of milliseconds')),
  ],
  ['downgrade-http-version', { value: 'none', use: 'warned' }],
  ['external-filter', { value: 'many', use: 'refused' }],
  ['fast-redirects', value(oneOf('simple-check', 'check-decoded-url'))],
  ['filter', LEFT_OUT],
  ['force-text-mode', { value: 'none', use: 'warned' }],
  ['forward-override', value(overrideFault)],
  ['handle-as-empty-document', FLAG],
  ['handle-as-image', FLAG],
  ['hide-accept-language', HEADER_TEXT],
  ['hide-content-disposition', HEADER_TEXT],
  ['hide-from-header', HEADER_TEXT],
  ['hide-if-modified-since', value((text) => (text === 'block' ? undefined : wholeNumber(text)))],
  ['hide-referrer', value(referrerFault)],
  ['hide-user-agent', HEADER_TEXT],
  ['https-inspection', { value: 'none', use: 'refused' }],
  ['ignore-certificate-errors', { value: 'none', use: 'refused' }],
  [
    'limit-connect',
    value((text) =>
      parsePortList(text).wrong.length === 0 ? undefined : 'must be a list of ports and ranges',
    ),
  ],
  [
    'limit-cookie-lifetime',
    value((text) => (/^\d{1,7}$/.test(text) ? undefined : 'must be a number of minutes')),
  ],
  ['overwrite-last-modified', value(oneOf('block', 'reset-to-request-time', 'randomize'))],
  ['prevent-compression', FLAG],
  ['redirect', value(redirectFault)],
  ['server-header-filter', NAME_LIST],
  ['server-header-tagger', LEFT_OUT],
  ['session-cookies-only', FLAG],
  ['set-image-blocker', value(imageFault)],
  ['suppress-tag', NAME_LIST],
]);

export const ACTION_ALIASES: Readonly<Record<string, string>> = {
  'hide-referer': 'hide-referrer',
  'prevent-keeping-cookies': 'session-cookies-only',
  'filter-client-headers': 'client-header-filter',
  'filter-server-headers': 'server-header-filter',
};

/** What this proxy says itself about a message and where it goes. */
const NOT_ADDED = /^(?:connection|content-length|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/i;

function addedFault(text: string): string | undefined {
  const name = HEADER_LINE.exec(text)?.[1];
  if (name === undefined) return 'must be a header line';
  return NOT_ADDED.test(name) ? `must not be ${name}: that is for the proxy to say` : undefined;
}

function referrerFault(text: string): string | undefined {
  if (['block', 'forge', 'conditional-block', 'conditional-forge'].includes(text)) return undefined;
  return ABSOLUTE_URL.test(text)
    ? undefined
    : 'must be block, forge, conditional-block, conditional-forge or a URL';
}

function imageFault(text: string): string | undefined {
  return text === 'blank' || text === 'pattern' || ABSOLUTE_URL.test(text)
    ? undefined
    : 'must be blank, pattern or a URL';
}

function redirectFault(text: string): string | undefined {
  if (!/^s[^\s\w\\]/.test(text))
    return ABSOLUTE_URL.test(text) ? undefined : 'must be a URL or a substitution';
  const parsed = parseSubstitution(text);
  return 'why' in parsed ? parsed.why : undefined;
}

function overrideFault(text: string): string | undefined {
  const [name = '', ...words] = text.trim().split(/\s+/);
  if (name === 'forward-webserver') return 'must not be forward-webserver';
  if (name === 'forward' && words[0] === '.') return 'must not be "forward .": it would go out directly';
  const notes = new Notes();
  parseWay(name, words, { file: '', line: 0 }, notes);
  return notes.errors[0]?.why;
}
