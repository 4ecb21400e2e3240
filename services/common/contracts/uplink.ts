import { z } from 'zod';

/** What the supervisor asks of the uplink on its control socket, and what the uplink says. */

/** Tor has some 8,000 relays, many with two addresses; more is a mistake. */
export const MAX_RELAYS = 50_000;
/** Bytes of a request with that many lines, the longest of which has 48. */
export const MAX_RELAYS_BODY = 4 * 1024 * 1024;

/** SHA-256 of a list, in hex: by it both know that they mean the same one. */
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'SHA-256 of the list, in hex');

/** `POST /relays`: lines of `ADDRESS:PORT` or `[ADDRESS]:PORT`. One that is malformed (400) lets nobody be reached. */
export const relaysRequest = z.strictObject({ list: z.string() });
/** Also of `GET /relays`; null: there is no list. */
export const relaysAnswer = z.object({ ok: z.literal(true), relays: digest.nullable() });

/** `POST /lease`: renews it, if that list is the one that is there; 409 `other-relays` otherwise. */
export const leaseRequest = z.strictObject({ relays: digest });
/** `POST /close`: cuts everything at once. */
export const closeRequest = z.strictObject({});
export const done = z.object({ ok: z.literal(true) });

/** `GET /status` of its health socket. Figures only. */
export const uplinkStatus = z.object({
  /** connections that carry */
  open: z.number(),
  leased: z.boolean(),
  /** lines of the list */
  relays: z.number(),
  counters: z.record(z.string(), z.number()),
});
export type UplinkStatus = z.output<typeof uplinkStatus>;
