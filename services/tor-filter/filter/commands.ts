/** What is asked of Tor, in these words and no others: nothing that a client wrote ever reaches it. */
export const QUESTIONS = {
  'new-circuits': 'SIGNAL NEWNYM',
  version: 'GETINFO version',
  'circuit-established': 'GETINFO status/circuit-established',
  'valid-after': 'GETINFO consensus/valid-after',
  'valid-until': 'GETINFO consensus/valid-until',
  'fresh-until': 'GETINFO consensus/fresh-until',
} as const;
export type Question = keyof typeof QUESTIONS;

export type Verdict =
  /** Tor's answer, given to `say` when it is as expected, is the client's */
  | { readonly kind: 'ask'; readonly question: Question; readonly say: (value: string) => string }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'filtered' }
  /** the last one */
  | { readonly kind: 'end'; readonly text: string };

export const FILTERED = '510 Command filtered\r\n';
const OK = '250 OK\r\n';
/** Where Tor Browser in a Whonix-Workstation finds its SOCKS port; Tor's own list would show the gateway's inside. */
const SOCKS_LISTENER = '"127.0.0.1:9150"';

/** Taken, and never sent: what happens in Tor is not for workstations to know. */
const EVENTS: ReadonlySet<string> = new Set(['STREAM', 'SIGNAL', 'CONF_CHANGED', 'STATUS_SERVER', 'CIRC']);

const INFOS: ReadonlyMap<string, Question> = new Map([
  ['version', 'version'],
  ['status/circuit-established', 'circuit-established'],
  ['consensus/valid-after', 'valid-after'],
  ['consensus/valid-until', 'valid-until'],
  ['consensus/fresh-until', 'fresh-until'],
]);

/** What becomes of a command line without its end. The list is onion-grater's for a Whonix-Workstation. */
export function judgeCommand(line: string): Verdict {
  const [word, rest] = cut(line);
  switch (word.toUpperCase()) {
    case 'PROTOCOLINFO':
      return { kind: 'ask', question: 'version', say: protocolInfo };
    case 'AUTHENTICATE':
    // Some programs send these while they connect and stop at a refusal.
    case 'TAKEOWNERSHIP':
    case 'RESETCONF':
      return { kind: 'say', text: OK };
    case 'QUIT':
      return { kind: 'end', text: '250 closing connection\r\n' };
    case 'SETEVENTS':
      return rest.split(/\s+/).every((event) => event === '' || EVENTS.has(event.toUpperCase()))
        ? { kind: 'say', text: OK }
        : { kind: 'filtered' };
    case 'SIGNAL':
      return rest.toUpperCase() === 'NEWNYM'
        ? { kind: 'ask', question: 'new-circuits', say: () => OK }
        : { kind: 'filtered' };
    case 'GETINFO':
      return info(rest);
    case 'GETCONF':
      return /^__owningcontrollerprocess$/i.test(rest)
        ? { kind: 'say', text: '250 __OwningControllerProcess\r\n' }
        : { kind: 'filtered' };
    default:
      return { kind: 'filtered' };
  }
}

/** The first word, and what stands behind the blanks that follow it; no word where a line end is inside. */
function cut(line: string): [word: string, rest: string] {
  if (/[\r\n]/.test(line)) return ['', ''];
  const end = line.search(/\s/);
  return end < 0 ? [line, ''] : [line.slice(0, end), line.slice(end).replace(/^[ \t]+/, '')];
}

function info(key: string): Verdict {
  const say = (value: string): string => `250-${key}=${value}\r\n${OK}`;
  if (key === 'net/listeners/socks') return { kind: 'say', text: say(SOCKS_LISTENER) };
  const question = INFOS.get(key);
  return question === undefined ? { kind: 'filtered' } : { kind: 'ask', question, say };
}

function protocolInfo(version: string): string {
  return `250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="${version}"\r\n${OK}`;
}

/** Values that Tor gives: a version, a time, a digit. */
const VALUE = /^250-[a-z/-]+=([0-9A-Za-z .:()+-]{0,64})\r\n250 OK\r\n$/;

/** What Tor answered, without its frame; undefined for anything unexpected, which is then not passed on. */
export function valueIn(question: Question, answer: string): string | undefined {
  if (question === 'new-circuits') return answer === OK ? '' : undefined;
  return VALUE.exec(answer)?.[1];
}
