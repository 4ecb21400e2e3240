import type { ListenAddress } from '@allium/common/net/listen-address.ts';
import type { AccessRule } from './access-line.ts';
import type { ForwardRule } from './forward-line.ts';
import type { Place } from './notes.ts';
import type { RouterSettings, ServiceSettings } from './router-lines.ts';
import type { SocksDoorSettings } from './socks-line.ts';

export interface FileName extends Place {
  readonly name: string;
}

/** What the main configuration file says, checked, with Privoxy's defaults. Times in milliseconds. */
export interface Settings {
  readonly listen: readonly ListenAddress[];
  /** the gateway's address towards workstations, from its own file: nothing else is listened on */
  readonly lan: string | undefined;
  readonly access: readonly AccessRule[];
  readonly forwards: readonly ForwardRule[];
  readonly connectRetries: number;
  /** 0: connections to clients end after one answer */
  readonly keepAliveMs: number;
  /** 0: connections to parents end after one answer */
  readonly serverKeepAliveMs: number;
  readonly socketTimeoutMs: number;
  readonly maxClients: number;
  readonly backlog: number;
  readonly toleratePipelining: boolean;
  readonly passProxyAuthentication: boolean;
  /** sum of Privoxy's debug bits */
  readonly debug: number;
  readonly actionsOn: boolean;
  readonly configDirectory: string | undefined;
  readonly actionFiles: readonly FileName[];
  readonly filterFiles: readonly FileName[];
  /** only what it trusts is served */
  readonly trustFile: FileName | undefined;
  readonly headerOrder: readonly string[];
  readonly hostname: string | undefined;
  readonly adminAddress: string | undefined;
  readonly proxyInfoUrl: string | undefined;
  readonly userManual: string | undefined;
  /** ours: the I2P router */
  readonly router: RouterSettings | undefined;
  /** ours: who serves the visitors of the router's services */
  readonly services: readonly ServiceSettings[];
  /** ours: SOCKS ports */
  readonly socksDoors: readonly SocksDoorSettings[];
  /** ours: pages at p.p and config.privoxy.org */
  readonly pages: boolean;
  /** ours: socket of the health page */
  readonly health: ListenAddress | undefined;
}

export type Draft = { -readonly [K in keyof Settings]: Settings[K] };

export function defaultSettings(): Draft {
  return {
    listen: [],
    lan: undefined,
    access: [],
    forwards: [],
    connectRetries: 0,
    keepAliveMs: 0,
    serverKeepAliveMs: 0,
    socketTimeoutMs: 300_000,
    maxClients: 128,
    backlog: 128,
    toleratePipelining: false,
    passProxyAuthentication: false,
    debug: 0,
    actionsOn: true,
    configDirectory: undefined,
    actionFiles: [],
    filterFiles: [],
    trustFile: undefined,
    headerOrder: [],
    hostname: undefined,
    adminAddress: undefined,
    proxyInfoUrl: undefined,
    userManual: undefined,
    router: undefined,
    services: [],
    socksDoors: [],
    pages: true,
    health: undefined,
  };
}
