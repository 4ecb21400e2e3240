/** A proof has a short form, for every run, and its whole one, for `npm run prove`. */
const WHOLE = process.env.ALLIUM_PROVE === '1';

export function inShort<T>(short: T, whole: T): T {
  return WHOLE ? whole : short;
}
