/** What is measured: each way, page, kind of connection and number of clients with each other. */

export const PAGES = {
  small: { path: '/small', bytes: 1_000, text: '1 kB' },
  large: { path: '/large', bytes: 1_000_000, text: '1 MB' },
} as const;

export type Way = 'direct' | 'SOCKS';

export interface Cell {
  readonly way: Way;
  readonly page: keyof typeof PAGES;
  /** one connection for all requests of a client, or one for each */
  readonly keepAlive: boolean;
  readonly clients: number;
}

export const CELLS: readonly Cell[] = (['direct', 'SOCKS'] as const).flatMap((way) =>
  (['small', 'large'] as const).flatMap((page) =>
    [true, false].flatMap((keepAlive) => [1, 32].map((clients) => ({ way, page, keepAlive, clients }))),
  ),
);

export interface Ports {
  readonly http: number;
  readonly socks: number;
}

/** A name that no rule but the one for SOCKS takes; the stand-in leads every name to the same server. */
const NAMED = 'http://bench.test';

export function urlOf({ way, page }: Cell, { http }: Ports): string {
  return `${way === 'SOCKS' ? NAMED : `http://127.0.0.1:${http}`}${PAGES[page].path}`;
}

/** For Privoxy and for us; the last rule that fits wins. */
export function configOf({ socks }: Ports): string {
  return `forward-socks5t / 127.0.0.1:${socks} .
forward 127.0.0.1 .
keep-alive-timeout 60
tolerate-pipelining 1
`;
}
