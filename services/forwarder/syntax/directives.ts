import { isIP } from 'node:net';
import { type ListenAddress, parseListenAddress } from '@allium/common/net/listen-address.ts';
import { parseAccess } from './access-line.ts';
import {
  applied,
  type Directive,
  flag,
  IGNORED,
  number,
  onlyOff,
  refused,
  text,
  warned,
} from './directive-kinds.ts';
import { endpointText } from './endpoint.ts';
import { parseForward } from './forward-line.ts';
import { remedy } from './notes.ts';
import { parseRouter, parseService } from './router-lines.ts';
import type { Draft } from './settings.ts';
import { parseSocksDoor } from './socks-line.ts';

const LISTEN_MAX = 10;
const SOCKS_DOORS_MAX = 10;
const SERVICES_MAX = 16;
const DEBUG_MAX = 0x1_ff_ff;
/** Debug bits that write names of visited sites into the log: requests, headers, written and received data. */
const NAMING_BITS = 1 + 8 + 16 + 512 + 32_768;
const HIGHEST_TIMEOUT_S = 86_400;
const NO_PAGES = 'no page changes anything here';
const NO_TLS = 'TLS is never opened here';
const NO_EFFECT = 'it has no effect on a forwarder';

const forward = applied((line, draft, notes) => {
  const rule = parseForward(line.name, line.words, line, notes);
  if (rule !== undefined) draft.forwards = [...draft.forwards, rule];
});

function access(permit: boolean): Directive {
  return applied((line, draft, notes) => {
    const rule = parseAccess(permit, line.words, line, notes);
    if (rule !== undefined) draft.access = [...draft.access, rule];
  });
}

const listenAddress = applied((line, draft, notes) => {
  const written = parseListenAddress(line.text.startsWith(':') ? `0.0.0.0${line.text}` : line.text);
  if (written === undefined || ('port' in written && written.port === 0)) {
    const fix = isIP(line.text) === 4 ? `listen-address ${line.text}:8118` : undefined;
    const advice = fix === undefined ? '' : `; ${remedy(fix)}`;
    notes.refuse(line, `listen-address needs an address and a port${advice}`, fix);
    return;
  }
  const address = towardsWorkstations(written, draft);
  if (address !== written) {
    const meant = `${endpointText(written)} means ${endpointText(address)} here`;
    notes.warn(line, `listen-address ${meant}: workstations reach no other address of the gateway`);
  }
  if (draft.listen.some((other) => endpointText(other) === endpointText(address))) return;
  if (draft.listen.length >= LISTEN_MAX) notes.refuse(line, `more than ${LISTEN_MAX} listen-address lines`);
  else draft.listen = [...draft.listen, address];
});

/** Privoxy's file was written for another machine: of its addresses only the ports count here. */
function towardsWorkstations(address: ListenAddress, { lan }: Draft): ListenAddress {
  if (lan === undefined || 'path' in address || address.host === lan) return address;
  return { host: lan, port: address.port };
}

const socksDoor = applied((line, draft, notes) => {
  const door = parseSocksDoor(line, notes);
  if (door !== undefined) {
    const others = draft.socksDoors.filter(
      ({ listen }) => endpointText(listen) !== endpointText(door.listen),
    );
    if (others.length < draft.socksDoors.length)
      notes.warn(
        line,
        `allium-socks ${endpointText(door.listen)} appears more than once: the last one counts`,
      );
    draft.socksDoors = [...others, door];
  }
  if (draft.socksDoors.length > SOCKS_DOORS_MAX)
    notes.refuse(line, `more than ${SOCKS_DOORS_MAX} allium-socks lines`);
});

const router = applied((line, draft, notes) => {
  draft.router = parseRouter(line, notes);
});

const service = applied((line, draft, notes) => {
  const found = parseService(line, notes);
  if (found === undefined) return;
  if (draft.services.some(({ name }) => name === found.name))
    notes.refuse(line, `allium-service: "${found.name}" is served already`);
  draft.services = [...draft.services, found];
  if (draft.services.length > SERVICES_MAX)
    notes.refuse(line, `more than ${SERVICES_MAX} allium-service lines`);
});

const debug = applied((line, draft, notes) => {
  const value = /^\d{1,6}$/.test(line.text) ? Number(line.text) : Number.NaN;
  if (!(value <= DEBUG_MAX)) {
    notes.refuse(line, `debug needs a number up to ${DEBUG_MAX}`);
    return;
  }
  if ((value & NAMING_BITS) !== 0) {
    notes.warn(line, `debug ${value} asks for names of visited sites: only kinds and codes are logged`);
  }
  draft.debug |= value;
});

const health = applied((line, draft, notes) => {
  draft.health = parseListenAddress(line.text);
  if (draft.health === undefined) notes.refuse(line, 'allium-health needs a socket path or host:port');
});

function file(key: 'actionFiles' | 'filterFiles'): Directive {
  return applied((line, draft, notes) => {
    if (line.text === '') notes.refuse(line, `${line.name} needs a file`);
    else draft[key] = [...draft[key], { file: line.file, line: line.line, name: line.text }];
  });
}

const trustFile = applied((line, draft, notes) => {
  if (line.text === '') notes.refuse(line, 'trustfile needs a file');
  else draft.trustFile = { file: line.file, line: line.line, name: line.text };
});

const headerOrder = applied((line, draft) => {
  draft.headerOrder = line.words.map((word) => word.toLowerCase());
});

/** Every directive of Privoxy 4.2.0, and our own with `allium-`; names in lower case. */
export const DIRECTIVES: ReadonlyMap<string, Directive> = new Map<string, Directive>([
  ['listen-address', listenAddress],
  ['permit-access', access(true)],
  ['deny-access', access(false)],
  ['forward', forward],
  ['forward-socks4a', forward],
  ['forward-socks5', forward],
  ['forward-socks5t', forward],
  [
    'forward-socks4',
    refused('SOCKS 4 resolves names locally, which leaks them', ({ words }) =>
      ['forward-socks4a', ...words].join(' '),
    ),
  ],
  ['forwarded-connect-retries', number(0, 10, 'connectRetries')],
  ['keep-alive-timeout', number(0, HIGHEST_TIMEOUT_S, 'keepAliveMs', 1_000)],
  ['default-server-timeout', number(0, HIGHEST_TIMEOUT_S, 'serverKeepAliveMs', 1_000)],
  ['socket-timeout', number(1, HIGHEST_TIMEOUT_S, 'socketTimeoutMs', 1_000)],
  ['max-client-connections', number(1, 65_535, 'maxClients')],
  ['listen-backlog', number(1, 65_535, 'backlog')],
  ['receive-buffer-size', warned('Node sizes its buffers itself')],
  ['tolerate-pipelining', flag('toleratePipelining')],
  ['connection-sharing', onlyOff('connections shared between clients link them')],
  ['enable-proxy-authentication-forwarding', flag('passProxyAuthentication')],
  ['debug', debug],
  ['logfile', warned('the log goes to standard error')],
  ['logdir', IGNORED],
  ['confdir', text('configDirectory')],
  ['templdir', warned('pages are built in')],
  ['temporary-directory', IGNORED],
  ['actionsfile', file('actionFiles')],
  ['filterfile', file('filterFiles')],
  ['trustfile', trustFile],
  ['trust-info-url', warned(NO_EFFECT)],
  ['hostname', text('hostname')],
  ['admin-address', text('adminAddress')],
  ['proxy-info-url', text('proxyInfoUrl')],
  ['user-manual', text('userManual')],
  ['toggle', flag('actionsOn')],
  ['enable-remote-toggle', onlyOff(NO_PAGES)],
  ['enable-remote-http-toggle', onlyOff('a header of the client would switch the actions off')],
  ['enable-edit-actions', onlyOff(NO_PAGES)],
  [
    'enforce-blocks',
    applied((line, _draft, notes) => {
      if (line.text === '0') notes.warn(line, 'blocks are always enforced: enforce-blocks 0 is ignored');
      else if (line.text !== '1') notes.refuse(line, 'enforce-blocks needs 0 or 1');
    }),
  ],
  ['buffer-limit', number(1, 1 << 20)],
  ['trusted-cgi-referer', warned(NO_PAGES)],
  ['cors-allowed-origin', refused('no other site may read the pages')],
  ['accept-intercepted-requests', onlyOff('the Host header would choose the destination')],
  ['trust-x-forwarded-for', onlyOff('a client could choose its identity')],
  ['client-header-order', headerOrder],
  ['client-specific-tag', warned('clients have no tags')],
  ['client-tag-lifetime', warned('clients have no tags')],
  ...[
    'allow-cgi-request-crunching',
    'split-large-forms',
    'handle-as-empty-doc-returns-ok',
    'enable-compression',
  ].map(harmless),
  ...['compression-level', 'single-threaded', 'enable-accept-filter'].map(harmless),
  ...[
    'ca-directory',
    'ca-cert-file',
    'ca-key-file',
    'ca-password',
    'certificate-directory',
    'cipher-list',
  ].map(noTls),
  ...['trusted-cas-file', 'elliptic-curve-keys'].map(noTls),
  ...['activity-animation', 'close-button-minimizes', 'hide-console', 'log-buffer-size', 'log-font-name'].map(
    windows,
  ),
  ...['log-font-size', 'log-highlight-messages', 'log-max-lines', 'log-messages', 'show-on-task-bar'].map(
    windows,
  ),
  ['allium-router', router],
  ['allium-service', service],
  ['allium-socks', socksDoor],
  ['allium-pages', flag('pages')],
  ['allium-health', health],
]);

/** Debian's file has some of these at 0, where they ask for nothing. */
function harmless(name: string): [string, Directive] {
  const apply: Directive['apply'] = (line, _draft, notes) => {
    if (line.text !== '0') notes.warn(line, `${name} is ignored: ${NO_EFFECT}`);
  };
  return [name, { kind: 'warned', apply }];
}

function noTls(name: string): [string, Directive] {
  return [name, warned(NO_TLS)];
}

function windows(name: string): [string, Directive] {
  return [name, IGNORED];
}
