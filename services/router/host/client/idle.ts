/** Milliseconds without a byte in either direction, after which two joined streams are closed. */
export const IDLE_MS = 300_000;
