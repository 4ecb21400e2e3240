/** Milliseconds since the epoch of an HTTP date; undefined when it is none. */
export function parseHttpDate(text: string): number | undefined {
  const time = Date.parse(text.replaceAll(/(\d{1,2})-([A-Za-z]{3})-(\d{2,4})/g, '$1 $2 $3'));
  return Number.isNaN(time) ? undefined : time;
}

/** RFC 9110 5.6.7 */
export function httpDate(time: number): string {
  return new Date(time).toUTCString();
}

/** As cookies are written by Privoxy: `Tue, 24-Nov-2026 12:47:18 GMT`. */
export function cookieDate(time: number): string {
  return httpDate(time).replace(/^(\w+, \d+) (\w+) (\d+)/, '$1-$2-$3');
}
