import type { Hostile } from './hostile-text.ts';

/**
 * `folder/file name` → how hostile text gets in, or why none does. What is refused by a `DecodeError` or a `RangeError` is
 * refused.
 */
export type Table = Readonly<Record<string, string | ((hostile: Hostile) => unknown)>>;

/** `folder/file Class.method` of what is given bytes piece by piece → a fresh one, and how it gets a piece. */
export type Streams = Readonly<Record<string, () => (piece: Buffer) => unknown>>;
