import { z } from 'zod';

/**
 * What the forwarder asks the router about names, as JSON over `names.sock`. `key` says whose names are asked for:
 * what one key learnt is seen by that key alone, besides the operator's names, which are everybody's.
 */

/** A keyed hash in hex: of whom is not said. */
const key = z.string().regex(/^[0-9a-f]{32}$/);
/** A host name as a client wrote it. */
const name = z.string().min(1).max(255);
/** The 52 characters in front of `.b32.i2p`. */
const base32 = z.string().regex(/^[a-z2-7]{52}$/);
/** What an address helper carries: a Destination in I2P's Base64, or a Base32 name. */
const destination = z.string().min(1).max(4_096);

/** `POST /resolve` */
export const resolveRequest = z.strictObject({ key, name });
export const resolveAnswer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('found'), base32 }),
  /** a good name that no address book has */
  z.strictObject({ kind: z.literal('unknown') }),
  /** never to be sent anywhere: `proxy.i2p` and its like */
  z.strictObject({ kind: z.literal('reserved') }),
  /** the name of an encrypted LeaseSet (b33) */
  z.strictObject({ kind: z.literal('encrypted') }),
  z.strictObject({ kind: z.literal('invalid'), why: z.string() }),
  /** not a name below .i2p */
  z.strictObject({ kind: z.literal('outside') }),
]);
export type NameAnswer = z.output<typeof resolveAnswer>;

/** `POST /compare`: what a name is, beside what an address helper says it is. Nothing is kept. */
export const compareRequest = z.strictObject({ key, name, destination });
export const compareAnswer = z.discriminatedUnion('kind', [
  /** the helper says what is known already */
  z.strictObject({ kind: z.literal('known'), base32 }),
  /** nobody knows the name yet; `base32` is what the helper says */
  z.strictObject({ kind: z.literal('new'), base32 }),
  /** the name stands for something else; `base32` is what the helper says */
  z.strictObject({ kind: z.literal('conflict'), base32 }),
  /** the helper holds no Destination, or the name can't be given one */
  z.strictObject({ kind: z.literal('bad') }),
  z.strictObject({ kind: z.literal('encrypted') }),
]);
export type CompareAnswer = z.output<typeof compareAnswer>;

/** `POST /learn`: keeps a name for this key. Not `learnt` when the name stands for something else or can't be kept. */
export const learnRequest = compareRequest;
export const learnAnswer = z.strictObject({ learnt: z.boolean() });
