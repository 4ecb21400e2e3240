import { cookieDate, parseHttpDate } from './dates.ts';

/** `session-cookies-only`: a Set-Cookie that does not outlive the browser. A cookie that is being deleted stays so. */
export function sessionCookie(cookie: string, now: number): string {
  const parts = cookie.split(';');
  if (deletes(parts, now)) return cookie;
  return parts.filter((part) => !lifetimeOf(part)).join(';');
}

/** `limit-cookie-lifetime` in minutes; 0 is `session-cookies-only`. */
export function limitedCookie(cookie: string, minutes: number, now: number): string {
  if (minutes === 0) return sessionCookie(cookie, now);
  const parts = cookie.split(';');
  const limit = now + minutes * 60_000;
  const ends = expiryOf(parts, now);
  if (ends !== undefined && ends <= limit) return cookie;
  return `${parts.filter((part) => !lifetimeOf(part)).join(';')}; expires=${cookieDate(limit)}`;
}

function deletes(parts: readonly string[], now: number): boolean {
  const ends = expiryOf(parts, now);
  return ends !== undefined && ends <= now;
}

/** Max-Age counts before Expires (RFC 6265 5.3). */
function expiryOf(parts: readonly string[], now: number): number | undefined {
  const found = parts.map(lifetimeOf).filter((part) => part !== undefined);
  const age = found.findLast((part) => part.name === 'max-age')?.value;
  if (age !== undefined && /^-?\d{1,12}$/.test(age)) return now + Number(age) * 1_000;
  const expires = found.findLast((part) => part.name === 'expires')?.value;
  return expires === undefined ? undefined : parseHttpDate(expires);
}

/** No expression: a site could make one slow. */
function lifetimeOf(part: string): { name: string; value: string } | undefined {
  const equals = part.indexOf('=');
  const name = part.slice(0, Math.max(equals, 0)).trim().toLowerCase();
  return name === 'expires' || name === 'max-age'
    ? { name, value: part.slice(equals + 1).trim() }
    : undefined;
}
