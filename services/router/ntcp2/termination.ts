/** Reasons of the Termination block (NTCP2, "Termination"). The best diagnosis there is: count them. */
export const TERMINATION = {
  normal: 0,
  received: 1,
  idle: 2,
  routerShutdown: 3,
  aead: 4,
  options: 5,
  signatureType: 6,
  skew: 7,
  padding: 8,
  framing: 9,
  payload: 10,
  message1: 11,
  message2: 12,
  message3: 13,
  frameTimeout: 14,
  routerInfo: 15,
  staticKey: 16,
  banned: 17,
} as const;

const NAMES = [
  'normal close',
  'termination received',
  'idle timeout',
  'router shutdown',
  'data phase AEAD failure',
  'incompatible options',
  'incompatible signature type',
  'clock skew',
  'padding violation',
  'AEAD framing error',
  'payload format error',
  'message 1 error',
  'message 2 error',
  'message 3 error',
  'intra-frame read timeout',
  'RouterInfo signature verification failure',
  'static key missing, invalid or mismatched',
  'banned',
] as const;

/** For logs and counters; codes above 17 have no name. */
export function terminationName(reason: number): string {
  return NAMES[reason] ?? `reason ${reason}`;
}
