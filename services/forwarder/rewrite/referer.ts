import { isI2pHost, parseAbsolute, type RequestUrl } from '../rules/request-url.ts';

/** The site that a Referer or Origin names. */
function siteOf(value: string): { readonly host: string; readonly port: number } | undefined {
  const secure = /^https:/i.test(value);
  const parsed = parseAbsolute(value.replace(/^https:/i, 'http:'));
  if (parsed.kind !== 'url') return undefined;
  const { host, port } = parsed.url;
  return { host, port: secure && port === 80 ? 443 : port };
}

/** True when the value names an I2P site and the request goes to another one: names must not travel between sites. */
export function namesOtherI2pSite(value: string, url: RequestUrl): boolean {
  const site = siteOf(value);
  // Nobody sends such a thing by chance.
  if (site === undefined) return /\.i2p\b/i.test(value);
  return isI2pHost(site.host) && site.host !== url.host;
}

/**
 * `hide-referrer`. Undefined drops the header. "Conditional" keeps a Referer of the very same host; Privoxy compares
 * beginnings, so that `a.example.evil` passes for `a.example`.
 */
export function hiddenReferer(value: string, url: RequestUrl, mode: string): string | undefined {
  const site = siteOf(value);
  const own = site?.host === url.host && (site.port === url.port || url.port === 80);
  switch (mode) {
    case 'block':
      return undefined;
    case 'forge':
      return `http://${url.authority}/`;
    case 'conditional-block':
      return own ? value : undefined;
    case 'conditional-forge':
      return own ? value : `http://${url.authority}/`;
    default:
      return mode;
  }
}
