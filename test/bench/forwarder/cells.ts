/** What is measured: each way, set of rules, page, kind of connection and number of clients that is worth a row. */

export const PAGES = {
  small: { path: '/small', bytes: 1_000, text: '1 kB' },
  large: { path: '/large', bytes: 1_000_000, text: '1 MB' },
} as const;

/** `clearnet`: a SOCKS parent, as Tor is one. `.i2p`: ours by `streams.sock`, Privoxy by an HTTP parent, as an I2P router is one. */
export type Way = 'clearnet' | '.i2p';

export type Rules = 'none' | 'Debian';

export interface Cell {
  readonly way: Way;
  readonly rules: Rules;
  readonly page: keyof typeof PAGES;
  /** one connection for all requests of a client, or one for each */
  readonly keepAlive: boolean;
  readonly clients: number;
}

const WAYS = ['clearnet', '.i2p'] as const;

export const CELLS: readonly Cell[] = [
  ...WAYS.flatMap((way) =>
    (['none', 'Debian'] as const).flatMap((rules) =>
      (['small', 'large'] as const).flatMap((page) =>
        [1, 32].map((clients) => ({ way, rules, page, keepAlive: true, clients })),
      ),
    ),
  ),
  ...WAYS.flatMap((way) =>
    [1, 32].map((clients) => ({ way, rules: 'none', page: 'small', keepAlive: false, clients }) as const),
  ),
];

/** The names lead nowhere: each parent takes every name to the same server. No rule of Debian's blocks them. */
export const HOSTS: Readonly<Record<Way, string>> = { clearnet: 'bench.test', '.i2p': 'bench.i2p' };

export interface Parents {
  readonly http: number;
  readonly socks: number;
  readonly streams: string;
  readonly names: string;
}

const DEBIAN = `confdir /etc/privoxy
actionsfile match-all.action
actionsfile default.action
filterfile default.filter
`;

/** For Privoxy and for us; the last rule that fits wins. */
export function configOf(rules: Rules, contender: 'ours' | 'privoxy', parents: Parents): string {
  const router = `allium-router unix:${parents.streams} unix:${parents.names}\nforward .i2p 127.0.0.1:4444\n`;
  return `${rules === 'Debian' ? DEBIAN : ''}forward-socks5t / 127.0.0.1:${parents.socks} .
${contender === 'ours' ? router : `forward .i2p 127.0.0.1:${parents.http}\n`}max-client-connections 1000
keep-alive-timeout 60
tolerate-pipelining 1
`;
}
